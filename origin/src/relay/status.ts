import type { RedisStore } from "../platform/redis/connect.ts";

/**
 * What the leading relay says of itself, in Redis under `relay:status`. The key expires by itself, so one that
 * is missing means that nobody follows.
 */
export interface RelayStatus {
  readonly epoch: string;
  readonly position: string;
  /** Age of the newest event that was read, ms; 0 when the stream itself said that it was idle. */
  readonly behindMs: number;
  /** Rows applied since this relay began to follow. */
  readonly rows: number;
}

export const statusLimits = { everyMs: 1_000, expiresMs: 5_000 } as const;

export function statusKey(prefix: string): string {
  return `${prefix}relay:status`;
}

/** Writes at most once in `everyMs`; called after each batch. */
export function statusTeller(redis: RedisStore): (status: RelayStatus) => Promise<void> {
  let toldMs = Number.NEGATIVE_INFINITY;
  return async (status) => {
    if (performance.now() - toldMs < statusLimits.everyMs) return;
    toldMs = performance.now();
    await redis.client.set(statusKey(redis.prefix), JSON.stringify(status), "PX", statusLimits.expiresMs);
  };
}
