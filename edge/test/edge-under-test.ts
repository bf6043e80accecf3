/**
 * A real nginx with the compiled Lua, on a free port, in a folder of its own. Clients come from wherever they say
 * (`from`): the test's own address is a trusted proxy. Geo data is made up.
 */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TokenPublicKey } from "@sluice/contract/token-claims.ts";
import { findPlatform } from "lua-gen/nginx/platform.ts";
import { writeGeoTables } from "./geo-tables.ts";
import { type Answer, type Ask, ask } from "./http.ts";
import { freePort, type Started, start, temporaryFolder, until } from "./processes.ts";
import { PREFIX } from "./redis-under-test.ts";

const CHECKOUT = new URL("../..", import.meta.url).pathname;

/** Documentation addresses (RFC 5737, RFC 3849), with countries for the tests. */
export const FROM_GERMANY = "198.51.100.7";
export const FROM_KOREA = "203.0.113.9";
export const FROM_FRANCE_IPV6 = "2001:db8::7";
export const FROM_NOWHERE = "192.0.2.1";

export interface EdgeOptions {
  redisPort: number;
  originPort: number;
  workers?: number;
  /** More environment, or less: an empty value takes a variable away. */
  env?: Record<string, string>;
}

export interface EdgeUnderTest {
  port: number;
  folder: string;
  signingKey: KeyObject;
  /** Replaces the file of public keys, as a rotation does. */
  publishKeys(keys: readonly TokenPublicKey[]): void;
  /** A request from that address, told by `X-Forwarded-For`. */
  from(address: string, path: string, more?: Ask): Promise<Answer>;
  /** What nginx wrote to its error log. */
  log(): string;
  /** The records of the decision log, once `count` of them satisfy `filter`. */
  decisions(count: number, filter: (record: Decision) => boolean): Promise<Decision[]>;
  untilReady(): Promise<void>;
  /** Ready, and in contact with the change stream. */
  untilFollowing(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** The same folder, port and configuration. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export type Decision = Record<string, string | number>;

export const KEY_ID = "test-key";

export async function startEdge(options: EdgeOptions): Promise<EdgeUnderTest> {
  await compileLua();
  const folder = temporaryFolder();
  const port = await freePort();
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = publicKey.export({ type: "spki", format: "pem" }) as string;
  mkdirSync(join(folder.path, "state"));
  const keysFile = join(folder.path, "keys.json");
  const publishKeys = (keys: readonly TokenPublicKey[]) => {
    writeFileSync(`${keysFile}.new`, JSON.stringify({ keys }));
    renameSync(`${keysFile}.new`, keysFile);
  };
  publishKeys([{ kid: KEY_ID, alg: "RS256", spki }]);
  writeGeoTables(join(folder.path, "geo"));
  generateConf(folder.path, port, options);

  let nginx: Started | undefined;
  const begin = async () => {
    const conf = join(folder.path, "conf");
    nginx = start(
      findPlatform().binary,
      ["-p", conf, "-c", join(conf, "nginx.conf"), "-e", "stderr"],
      folder.path,
    );
    await until("nginx answers", async () => {
      if (nginx?.hasExited()) throw new Error(nginx.output());
      return (await ask(port, "/healthz")).status === 200;
    });
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => nginx?.stop(signal);
  await begin();
  return {
    port,
    folder: folder.path,
    signingKey: privateKey,
    publishKeys,
    from: (address, path, more = {}) =>
      ask(port, path, { ...more, headers: ["x-forwarded-for", address, ...(more.headers ?? [])] }),
    log: () => nginx?.output() ?? "",
    decisions: (count, filter) => readDecisions(folder.path, count, filter),
    untilReady: () => everyWorker(port, '"ready"'),
    untilFollowing: () => everyWorker(port, '"followed"'),
    stop,
    start: begin,
    close: async () => {
      await stop();
      folder.remove();
    },
  };
}

/** Twenty answers in a row say so: the kernel spreads connections over the workers. */
async function everyWorker(port: number, words: string): Promise<void> {
  await until(`every worker is ${words}`, async () => {
    for (let i = 0; i < 20; i++) if (!(await ask(port, "/readyz")).body.includes(words)) return false;
    return true;
  });
}

function generateConf(folder: string, port: number, options: EdgeOptions): void {
  const env: Record<string, string> = {
    EDGE_PORT: String(port),
    EDGE_WORKERS: String(options.workers ?? 1),
    EDGE_ORIGINS: `127.0.0.1:${options.originPort}`,
    EDGE_REDIS: `127.0.0.1:${options.redisPort}`,
    EDGE_REDIS_PREFIX: PREFIX,
    EDGE_TRUSTED_PROXIES: "127.0.0.1",
    EDGE_TOKEN_KEYS_FILE: join(folder, "keys.json"),
    EDGE_GEO_DIR: join(folder, "geo"),
    EDGE_STATE_DIR: join(folder, "state"),
    EDGE_LOG_DIR: join(folder, "logs"),
    EDGE_RUN_DIR: join(folder, "run"),
    ...options.env,
  };
  const run = spawnSync(process.execPath, [join(CHECKOUT, "edge/conf.ts"), "--out", join(folder, "conf")], {
    env: {
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")),
    },
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`conf.ts failed: ${run.stdout}${run.stderr}`);
}

let compiled = false;

/**
 * Once for each test file; what is compiled already stays as it is. Whoever runs many files compiles once, before
 * them, and says so (`npm test` does): then even the compiler isn't loaded, which takes a second.
 */
export async function compileLua(): Promise<void> {
  if (compiled || process.env.SLUICE_TEST_EDGE_COMPILED === "1") return;
  const { build } = await import("lua-gen/build.ts");
  const { formatFault } = await import("lua-gen/compile/fault.ts");
  const { faults } = build({ project: join(CHECKOUT, "edge") });
  if (faults.length > 0) throw new Error(`the edge does not compile: ${faults.map(formatFault).join("\n")}`);
  compiled = true;
}

async function readDecisions(
  folder: string,
  count: number,
  filter: (record: Decision) => boolean,
): Promise<Decision[]> {
  return until(`${count} records in the decision log`, () => {
    const text = readFileSync(join(folder, "logs", "edge-decisions.log"), "utf8");
    const records = text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Decision);
    const found = records.filter(filter);
    return found.length >= count && found;
  });
}
