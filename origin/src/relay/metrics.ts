import { gauge, type Metrics } from "../platform/http/metrics-route.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { CoherenceStatus } from "./coherence.ts";
import type { FilterStatus } from "./filters.ts";
import { readStatus } from "./status.ts";

/** What the leading relay said last, told by whoever is asked. Without a leader there is one line: it is missing. */
export function relayMetrics(redis: RedisStore): Metrics {
  return async () => {
    const status = redis.isUp() ? await readStatus(redis) : undefined;
    const leads = gauge("sluice_relay_leads", "Whether a relay leads and says so.", status ? 1 : 0);
    if (status === undefined) return leads;
    const { state, behindMs, behindBytes, rowsPerSecond, queues, fills, filters, coherence, pages } = status;
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
      ...filterMetrics(filters),
      ...coherenceMetrics("sluice_relay", "Rows of the database that were compared with Redis.", coherence),
      ...coherenceMetrics("sluice_edge_pages", "Pages of workers that were compared with Redis.", pages),
      ...gauge("sluice_relay_filling", "Tables whose projections are being filled.", filling),
    ];
  };
}

function filterMetrics(filters: readonly FilterStatus[]): string[] {
  return filters.flatMap(({ filter, bytes, falsePositives, building }) => [
    ...gauge(
      `sluice_relay_filter_${filter}_building`,
      "Whether the filter is being built.",
      building ? 1 : 0,
    ),
    ...gauge(`sluice_relay_filter_${filter}_bytes`, "Size of the filter of ids.", bytes),
    ...gauge(
      `sluice_relay_filter_${filter}_false_positives`,
      "Share of other ids that pass.",
      falsePositives,
    ),
  ]);
}

/** Those of the relay are this leader's; they begin anew with the next. */
function coherenceMetrics(of: string, help: string, { sampled, differing }: CoherenceStatus): string[] {
  const name = `${of}_sample_differing_total`;
  return [
    `# HELP ${of}_sampled_total ${help}`,
    `# TYPE ${of}_sampled_total counter`,
    `${of}_sampled_total ${sampled}`,
    `# HELP ${name} Those that differed for so long and longer.`,
    `# TYPE ${name} counter`,
    ...differing.map(({ ageMs, count }) => `${name}{age_ms="${ageMs}"} ${count}`),
  ];
}
