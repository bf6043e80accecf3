/**
 * A private Redis. Append-only with one fsync a second: everything in it can be rebuilt from MySQL, so a
 * lost second costs a rebuild at most. The password keeps other users of the machine out of the ban lists.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startProcess } from "../process/owned-process.ts";
import { LOOPBACK } from "../process/ports.ts";
import { untilReady } from "../process/ready.ts";
import { secretIn } from "../process/secret.ts";
import { within } from "../process/within.ts";
import { ANSWER_TIMEOUT_MS, type RunningService, runningService, type ServiceOptions } from "./service.ts";

const START_TIMEOUT_MS = 60_000;

export async function startRedis({ home, port, durable }: ServiceOptions): Promise<RunningService> {
  const folder = join(home.data, "redis");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const password = secretIn(join(home.keys, "redis-password"));
  const configFile = join(folder, "redis.conf");
  writeFileSync(configFile, redisConf(port, password, durable), { mode: 0o600 });
  const owned = await startProcess({
    name: "redis",
    command: "redis-server",
    args: [configFile],
    cwd: folder,
    home,
    port,
  });
  const url = redisUrl(port, password);
  await untilReady(owned, START_TIMEOUT_MS, () => pingRedis(url));
  return runningService(owned, url);
}

export function redisUrl(port: number, password: string): string {
  return `redis://:${password}@${LOOPBACK}:${port}`;
}

function redisConf(port: number, password: string, durable: boolean): string {
  const lines = [
    `port ${port}`,
    `bind ${LOOPBACK}`,
    `requirepass ${password}`,
    "dir ./",
    'save ""',
    `appendonly ${durable ? "yes" : "no"}`,
    "appendfsync everysec",
    "daemonize no",
    'pidfile ""',
  ];
  return `${lines.join("\n")}\n`;
}

/** Answers only when the data is loaded: until then Redis refuses with LOADING. */
export async function pingRedis(url: string): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  // The awaited connect() rejects with the same error; without a listener ioredis prints it as unhandled.
  client.on("error", () => {});
  try {
    await within(
      ANSWER_TIMEOUT_MS,
      client.connect().then(() => client.ping()),
    );
  } finally {
    client.disconnect();
  }
}
