/**
 * The real edge, as it is built and configured for production: `lua-gen build`, `edge/conf.ts`, real Redis. What
 * it has to check is a matter of data (lists and policy in Redis) and of the route that is asked, so each set
 * of data is an instance of its own, under a Redis prefix of its own; those that are not asked are idle.
 */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Home } from "../../../cli/src/process/home.ts";
import { type OwnedProcess, startProcess } from "../../../cli/src/process/owned-process.ts";
import { LOOPBACK } from "../../../cli/src/process/ports.ts";
import { untilReady } from "../../../cli/src/process/ready.ts";
import { nginxBinary } from "../../../cli/src/services/nginx.ts";
import { expectOk } from "../../../cli/src/services/node-role.ts";
import { checkout } from "../../../cli/src/settings.ts";
import { onCores } from "./processor.ts";

/** What all instances share. */
export interface EdgeParts {
  home: Home;
  upstreamPort: number;
  /** `redis://:password@host:port` */
  redisUrl: string;
  tokenKeysFile: string;
  geoDir: string;
}

/** A list of a million is read from Redis before an edge is ready. */
const START_TIMEOUT_MS = 90_000;
const COUNTRY_DATA = "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";

const run = promisify(execFile);

/** Compiles the edge's Lua and the country data, as a start of the system does. */
export async function buildEdge(geoDir: string): Promise<void> {
  const node = (...args: string[]) => run(process.execPath, args, { cwd: checkout });
  await node("lua-gen/bin/lua-gen.mjs", "build", "-p", "edge");
  const mmdb = createRequire(join(checkout, "edge/package.json")).resolve(COUNTRY_DATA);
  await node("edge/geo/main.ts", "compile", "--out", geoDir, "--country", mmdb);
}

export async function startEdge(
  parts: EdgeParts,
  name: string,
  port: number,
  redisPrefix: string,
): Promise<OwnedProcess> {
  const { home } = parts;
  const folder = join(home.data, name);
  const logs = join(home.logs, name);
  for (const path of [folder, logs]) mkdirSync(path, { recursive: true });
  const redis = new URL(parts.redisUrl);
  const env = {
    ...process.env,
    EDGE_HOST: LOOPBACK,
    EDGE_PORT: String(port),
    EDGE_WORKERS: "1",
    EDGE_ORIGINS: `${LOOPBACK}:${parts.upstreamPort}`,
    EDGE_REDIS: `${redis.host}/${redis.password}`,
    EDGE_REDIS_PREFIX: redisPrefix,
    EDGE_TRUSTED_PROXIES: `${LOOPBACK}/32`,
    EDGE_TOKEN_KEYS_FILE: parts.tokenKeysFile,
    EDGE_GEO_DIR: parts.geoDir,
    EDGE_STATE_DIR: folder,
    EDGE_LOG_DIR: logs,
    EDGE_RUN_DIR: folder,
    EDGE_LUA_DIR: join(checkout, "edge/dist"),
  };
  await run(process.execPath, ["edge/conf.ts", "--out", folder], { cwd: checkout, env });
  const args = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(logs, "error.log")];
  const [command, argv] = onCores("proxy", nginxBinary(), args);
  const owned = await startProcess({ name, command, args: argv, env, home, port, stopSignal: "SIGQUIT" });
  await untilReady(owned, START_TIMEOUT_MS, () => expectOk(`http://${LOOPBACK}:${port}/readyz`));
  return owned;
}

export function writeTokenKeys(home: Home, keysFile: object): string {
  const file = join(home.keys, "token-keys.json");
  writeFileSync(file, JSON.stringify(keysFile));
  return file;
}
