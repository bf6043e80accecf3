import * as redis from "resty.redis";
import type { RedisSettings } from "../settings.ts";

/** For one answer on the request path, ms. A Redis that is slower counts as lost. */
const REQUEST_TIMEOUT_MS = 250;
const POOL_SIZE = 64;
const POOL_IDLE_MS = 30_000;
const POOL_NAME = "sluice";

export type Connection = redis.Redis;

let settings: RedisSettings = { host: "127.0.0.1", port: 6379, password: "" };

export function configureRedis(given: RedisSettings): void {
  settings = given;
}

/**
 * A pooled connection; give it back with {@link release}. The caller may raise the timeout of a connection that
 * it does not give back.
 */
export function connect(): LuaMultiReturn<[Connection, undefined] | [undefined, string]> {
  const [connection, failure] = redis.new();
  if (connection === undefined) return $multi(undefined, failure as string);
  connection.set_timeout(REQUEST_TIMEOUT_MS);
  const [connected, connectError] = connection.connect(settings.host, settings.port, { pool: POOL_NAME });
  if (connected === undefined) return $multi(undefined, connectError as string);
  if (settings.password !== "") {
    const [reused] = connection.get_reused_times();
    if (reused === 0) {
      const [authenticated, authError] = connection.auth(settings.password);
      if (!authenticated) {
        connection.close();
        return $multi(undefined, authError as string);
      }
    }
  }
  return $multi(connection, undefined);
}

/** Gives a healthy connection back. One that failed must be closed instead: its next answer may be another's. */
export function release(connection: Connection): void {
  connection.set_keepalive(POOL_IDLE_MS, POOL_SIZE);
}

/** Redis's nil as ours. */
export function textOf(reply: unknown): string | undefined {
  return type(reply) === "string" ? (reply as string) : undefined;
}

/** Whether the whole reply is Redis's nil: a blocking read that ran out of time. */
export function isNil(reply: unknown): boolean {
  return reply === ngx.null;
}
