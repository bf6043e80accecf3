import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ambient, audit, composeWorker } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";
import { type Answer, startTestApi, type TestApi, type TestPlaces } from "./start-api.ts";
import { startTestSandbox, type TestSandbox } from "./start-sandbox.ts";

/** An api with a payment provider beside it, and people who buy there. */
export interface TestShop {
  readonly api: TestApi;
  readonly sandbox: TestSandbox;
  readonly paymentsSecret: string;
  /** Registers somebody new. */
  join(): Promise<Buyer>;
  /** A product with so many pieces; its id. */
  product(pieces: number, priceCents?: number): Promise<number>;
  stockOf(productId: number): Promise<Record<"total" | "available" | "reserved" | "sold", number>>;
  /** The worker role, with sweepers and consumers, as it is composed in production. */
  startWorker(settings?: Record<string, string>): Promise<{ close(): Promise<void> }>;
  /** Fails when an invariant is broken. */
  auditIsClean(): Promise<void>;
  close(): Promise<void>;
}

export interface Buyer {
  readonly id: number;
  readonly token: string;
  order(lines: { productId: number; quantity: number }[], key?: string): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  logOut(): Promise<void>;
}

export async function startTestShop(
  places: TestPlaces & { readonly rabbitmqUrl: string },
  ambient: Partial<Ambient> = {},
  settings: Record<string, string> = {},
): Promise<TestShop> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-shop-"));
  const paymentsSecret = randomBytes(24).toString("hex");
  const secretFile = join(folder, "payments-secret");
  await writeFile(secretFile, paymentsSecret);
  const sandbox = await startTestSandbox(secretFile, { PAYMENTS_DELAY_MS: "100" });
  const apiPort = await freePort();
  const shared = {
    PAYMENTS_URL: sandbox.url,
    PAYMENTS_SECRET_FILE: secretFile,
    PAYMENTS_CALLBACK_URL: `http://127.0.0.1:${apiPort}/payments/callback/sandbox`,
    ...settings,
  };
  const api = await startTestApi(places, ambient, { ...shared, API_PORT: String(apiPort) });
  let people = 0;
  return {
    api,
    sandbox,
    paymentsSecret,
    join: () => register(api, `buyer-${++people}`),
    product: async (pieces, priceCents = 1_000) => {
      const product = { name: "Thing", priceCents, currency: "EUR", stock: pieces };
      const created = await api.operator("POST", "/products", product);
      assert.equal(created.status, 201, JSON.stringify(created.body));
      return created.body.id;
    },
    stockOf: async (productId) => (await api.call("GET", `/products/${productId}`)).body.stock,
    startWorker: (own = {}) =>
      composeWorker(
        readConfig("worker", {
          MYSQL_URL: places.mysqlUrl,
          REDIS_URL: places.redisUrl,
          REDIS_PREFIX: places.redisPrefix,
          RABBITMQ_URL: places.rabbitmqUrl,
          LOG_LEVEL: "warn",
          ...shared,
          ...own,
        }),
        ambient,
      ),
    auditIsClean: async () => {
      const results = await audit({
        MYSQL_URL: places.mysqlUrl,
        REDIS_URL: places.redisUrl,
        REDIS_PREFIX: places.redisPrefix,
      });
      // No relay takes part here, so what the outbox holds is published never.
      const own = results.filter(({ name }) => !name.startsWith("outbox:"));
      assert.deepEqual(
        own.filter(({ broken }) => broken.length > 0),
        [],
      );
    },
    close: async () => {
      await api.close();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function register(api: TestApi, username: string): Promise<Buyer> {
  const registered = await api.call("POST", "/auth/register", { username, password: "a long password" });
  assert.equal(registered.status, 201, JSON.stringify(registered.body));
  const headers = { authorization: `Bearer ${registered.body.accessToken}` };
  return {
    id: registered.body.user.id,
    token: registered.body.accessToken,
    order: (lines, key) =>
      api.call(
        "POST",
        "/orders",
        { lines },
        key === undefined ? headers : { ...headers, "idempotency-key": key },
      ),
    get: (path) => api.call("GET", path, undefined, headers),
    post: (path, body) => api.call("POST", path, body, headers),
    logOut: async () => {
      const { refreshToken } = registered.body;
      assert.equal((await api.call("POST", "/auth/logout", { refreshToken })).status, 204);
    },
  };
}

/** Free now. The provider must know where to call back before the api listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert(typeof address === "object" && address !== null);
  return address.port;
}
