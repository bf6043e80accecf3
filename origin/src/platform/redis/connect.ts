import { Redis } from "ioredis";
import type { Logger } from "../logger.ts";

/** A connection and the prefix that all its keys begin with. */
export interface RedisStore {
  readonly client: Redis;
  readonly prefix: string;
  isUp(): boolean;
  close(): Promise<void>;
}

export const redisLimits = {
  connectTimeoutMs: 2_000,
  commandTimeoutMs: 1_000,
  reconnectDelayMaxMs: 1_000,
} as const;

/**
 * Connects in the background and reconnects for ever. While the connection is down every command fails at
 * once: nothing waits in a queue without a bound, and nothing is sent twice behind the caller's back
 * (ioredis would resend unanswered commands after a reconnect).
 */
export function connectRedis(url: string, prefix: string, logger: Logger): RedisStore {
  const client = new Redis(url, {
    connectTimeout: redisLimits.connectTimeoutMs,
    commandTimeout: redisLimits.commandTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), redisLimits.reconnectDelayMaxMs),
  });
  let failed = false;
  client.on("error", (error: Error) => {
    // One line for an outage, not one for each attempt.
    if (!failed) logger.warn({ err: error.message }, "redis is not reachable");
    failed = true;
  });
  client.on("ready", () => {
    if (failed) logger.info("redis is reachable again");
    failed = false;
  });
  return {
    client,
    prefix,
    isUp: () => client.status === "ready",
    close: async () => client.disconnect(),
  };
}

/** Resolves when commands can be sent; for tests and for roles that can't do anything without Redis. */
export async function untilReady(store: RedisStore, timeoutMs: number): Promise<void> {
  if (store.isUp()) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`redis was not ready within ${timeoutMs} ms`)), timeoutMs);
  store.client.once("ready", resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    store.client.off("ready", resolve);
  }
}
