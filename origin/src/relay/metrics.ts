import { gauge, type Metrics } from "../platform/http/metrics-route.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { readStatus } from "./status.ts";

/** What the leading relay said last, told by whoever is asked. Without a leader there is one line: it is missing. */
export function relayMetrics(redis: RedisStore): Metrics {
  return async () => {
    const status = redis.isUp() ? await readStatus(redis) : undefined;
    const leads = gauge("sluice_relay_leads", "Whether a relay leads and says so.", status ? 1 : 0);
    if (status === undefined) return leads;
    const { state, behindMs, behindBytes, rowsPerSecond, queues, fills } = status;
    const filling = Object.values(fills).filter(({ after }) => after !== undefined).length;
    return [
      ...leads,
      ...gauge("sluice_relay_follows", "Whether it follows the log.", state === "following" ? 1 : 0),
      ...(behindMs === null
        ? []
        : gauge("sluice_relay_behind_seconds", "Lag by heartbeat.", behindMs / 1_000)),
      ...(behindBytes === null
        ? []
        : gauge("sluice_relay_behind_bytes", "Log not applied yet.", behindBytes)),
      ...gauge("sluice_relay_rows_per_second", "Rows read from the log lately.", rowsPerSecond),
      ...gauge("sluice_relay_buffered_rows", "Rows read and not sent to Redis.", queues.bufferedRows),
      ...gauge("sluice_relay_batches_in_flight", "Batches sent and not applied.", queues.batchesInFlight),
      ...gauge("sluice_relay_messages", "Messages in hand for RabbitMQ.", queues.messages),
      ...gauge("sluice_relay_filling", "Tables whose projections are being filled.", filling),
    ];
  };
}
