import { COHERENCE_AGES_MS, differingField, FIELD_SAMPLED } from "@sluice/contract/coherence.ts";
import { pageSampleKey } from "@sluice/contract/keys.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { repeat } from "../platform/repeat.ts";
import { type CoherenceStatus, nothingSampled } from "./coherence.ts";
import type { Fills } from "./fill.ts";
import type { FilterStatus } from "./filters.ts";
import { bytesBehind } from "./source.ts";

/**
 * What the leading relay says of itself, in Redis under `relay:status`, once a second. The key expires by
 * itself, so one that is missing means that nobody leads, or that Redis or the leader hangs.
 */
export interface RelayStatus {
  /** Unix time, ms. */
  readonly atMs: number;
  readonly state: RelayState;
  readonly epoch: string;
  /** Every transaction up to here is applied. */
  readonly position: string;
  /** By the relay's own heartbeat; null before it came back for the first time. */
  readonly behindMs: number | null;
  /** Of the log; null when the server does not say. */
  readonly behindBytes: number | null;
  /** Rows read since this relay began to lead, and lately. */
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly queues: RelayQueues;
  readonly fills: Fills;
  readonly filters: readonly FilterStatus[];
  /** What a random sample of Redis was worth. */
  readonly coherence: CoherenceStatus;
  /** The same of the pages in the memory of all edge workers, beside Redis, since it was emptied last. */
  readonly pages: CoherenceStatus;
  readonly lastError: { readonly atMs: number; readonly message: string } | null;
}

/** `following` from the checkpoint; `waiting` after a failure, for the next attempt. */
export type RelayState = "following" | "waiting";

export interface RelayQueues {
  /** Rows read from the log and not yet sent to Redis. */
  readonly bufferedRows: number;
  /** Batches sent to Redis and not yet applied. */
  readonly batchesInFlight: number;
  /** Messages in hand, sent to RabbitMQ or waiting to be. The outbox holds all others. */
  readonly messages: number;
}

/** What is told; the parts write their own fields. */
export interface RelayGauges {
  state: RelayState;
  epoch: string;
  position: string;
  rows: number;
  fills: Fills;
  filters: () => Promise<readonly FilterStatus[]>;
  coherence: () => CoherenceStatus;
  log: { readonly file: string; readonly position: number } | undefined;
  behindMs: () => number | undefined;
  queues: () => RelayQueues;
  lastError: RelayStatus["lastError"];
}

export const statusLimits = { everyMs: 1_000, expiresMs: 5_000 } as const;

export function statusKey(prefix: string): string {
  return `${prefix}relay:status`;
}

export function newGauges(): RelayGauges {
  return {
    state: "waiting",
    epoch: "",
    position: "",
    rows: 0,
    fills: {},
    filters: async () => [],
    coherence: () => nothingSampled,
    log: undefined,
    behindMs: () => undefined,
    queues: () => ({ bufferedRows: 0, batchesInFlight: 0, messages: 0 }),
    lastError: null,
  };
}

export async function readStatus(redis: RedisStore): Promise<RelayStatus | undefined> {
  const text = await redis.client.get(statusKey(redis.prefix));
  return text === null ? undefined : (JSON.parse(text) as RelayStatus);
}

export interface StatusTellerOptions {
  readonly redis: RedisStore;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function tellStatus(gauges: RelayGauges, { redis, database, clock, logger }: StatusTellerOptions) {
  let rowsBefore = gauges.rows;
  let toldMs = clock();
  const tell = async () => {
    const atMs = clock();
    const seconds = Math.max(1, atMs - toldMs) / 1_000;
    const rowsPerSecond = Math.round((gauges.rows - rowsBefore) / seconds);
    rowsBefore = gauges.rows;
    toldMs = atMs;
    const behindBytes = gauges.log === undefined ? undefined : await readBytesBehind(database, gauges.log);
    const { state, epoch, position, rows, fills, lastError } = gauges;
    const status: RelayStatus = {
      atMs,
      state,
      epoch,
      position,
      behindMs: gauges.behindMs() ?? null,
      behindBytes: behindBytes ?? null,
      rows,
      rowsPerSecond,
      queues: gauges.queues(),
      fills,
      filters: await gauges.filters(),
      coherence: gauges.coherence(),
      pages: await readPageSample(redis),
      lastError,
    };
    await redis.client.set(statusKey(redis.prefix), JSON.stringify(status), "PX", statusLimits.expiresMs);
  };
  return repeat("tell the relay's status", () => statusLimits.everyMs, tell, logger);
}

async function readPageSample({ client, prefix }: RedisStore): Promise<CoherenceStatus> {
  const counters = await client.hgetall(pageSampleKey(prefix));
  const count = (field: string) => Number(counters[field] ?? 0);
  const differing = COHERENCE_AGES_MS.map((ageMs) => ({ ageMs, count: count(differingField(ageMs)) }));
  return { sampled: count(FIELD_SAMPLED), differing };
}

async function readBytesBehind(database: Database, at: { readonly file: string; readonly position: number }) {
  const files = await database
    .query<{ Log_name: string; File_size: number | string }>("SHOW BINARY LOGS")
    // A database that is away is no reason to fall silent.
    .catch(() => []);
  return bytesBehind(
    files.map(({ Log_name, File_size }) => ({ name: Log_name, bytes: Number(File_size) })),
    at,
  );
}
