import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ambient, composeApi, makeKeys, runMigrations } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";

/** Where a test file's own database and key prefix are. */
export interface TestPlaces {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  readonly redisPrefix: string;
}

export interface TestApi {
  readonly url: string;
  readonly opsUrl: string;
  readonly opsToken: string;
  readonly routes: Awaited<ReturnType<typeof composeApi>>["routes"];
  /** What it was configured by: another api with it is one more instance of the same origin. */
  readonly environment: Readonly<Record<string, string>>;
  /** JSON in and out; `operator` asks the operators' listener with its token. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  operator(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** What most tests prove does not depend on what a password costs. */
const cheapPasswords = { ln: 10, r: 8, p: 1 };

/** The `api` role as it is composed in production, on free ports, with the schema migrated and keys made. */
export async function startTestApi(
  places: TestPlaces,
  ambient: Partial<Ambient> = {},
  settings: Record<string, string> = {},
  { migrated = true } = {},
): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-api-"));
  const opsToken = randomBytes(24).toString("hex");
  await writeFile(join(folder, "ops-token"), opsToken);
  await writeFile(join(folder, "payments-secret"), randomBytes(24).toString("hex"));
  // By the clock that the api goes by: a key of the future signs nothing.
  await makeKeys(folder, undefined, ambient.clock);
  if (migrated) await runMigrations({ MYSQL_URL: places.mysqlUrl });
  const environment = {
    MYSQL_URL: places.mysqlUrl,
    REDIS_URL: places.redisUrl,
    REDIS_PREFIX: places.redisPrefix,
    API_PORT: "0",
    OPS_PORT: "0",
    OPS_TOKEN_FILE: join(folder, "ops-token"),
    TOKEN_PRIVATE_KEY_FILE: join(folder, "token-private.pem"),
    TOKEN_PUBLIC_KEYS_FILE: join(folder, "token-keys.json"),
    PAYMENTS_URL: "http://127.0.0.1:1",
    PAYMENTS_SECRET_FILE: join(folder, "payments-secret"),
    LOG_LEVEL: "warn",
    ...settings,
  };
  const api = await composeApi(readConfig("api", environment), { passwordCost: cheapPasswords, ...ambient });
  const url = `http://127.0.0.1:${api.apiPort}`;
  const opsUrl = `http://127.0.0.1:${api.opsPort}`;
  return {
    url,
    opsUrl,
    opsToken,
    routes: api.routes,
    environment,
    call: (method, path, body, headers) => call(url + path, method, body, headers ?? {}),
    operator: (method, path, body, headers) =>
      call(opsUrl + path, method, body, { authorization: `Bearer ${opsToken}`, ...headers }),
    close: async () => {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function call(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: typeof body === "string" || body === undefined ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}
