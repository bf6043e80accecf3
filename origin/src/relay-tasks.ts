import { readConfig } from "./config.ts";
import { createLogger } from "./platform/logger.ts";
import { connectRedis, type RedisStore, untilReady } from "./platform/redis/connect.ts";
import { type RelayStatus, readStatus } from "./relay/module.ts";

/** What the commands ask of a relay: through Redis, because it may run anywhere. */

/** What the leading relay says of itself; undefined when none leads. */
export async function relayStatus(env: NodeJS.ProcessEnv): Promise<RelayStatus | undefined> {
  return withRedis(env, readStatus);
}

/** Redis is local or near: who has no connection in this time has none. */
const redisConnectMs = 3_000;

export async function withRedis<T>(
  env: NodeJS.ProcessEnv,
  work: (redis: RedisStore) => Promise<T>,
): Promise<T> {
  const config = readConfig("operate", env);
  const redis = connectRedis(
    config.redisUrl,
    config.redisPrefix,
    createLogger("operate", config.logLevel, process.stderr),
  );
  try {
    await untilReady(redis, redisConnectMs);
    return await work(redis);
  } finally {
    await redis.close();
  }
}
