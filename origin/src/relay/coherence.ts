import { setTimeout as delay } from "node:timers/promises";
import { COHERENCE_AGES_MS } from "@sluice/contract/coherence.ts";
import { readyKey } from "@sluice/contract/keys.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import { type Difference, differing, readAgain } from "../platform/redis/audit-projections.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";
import { repeat } from "../platform/repeat.ts";

/**
 * Compares a random sample of what is in Redis with the rows that it was made of, for as long as this relay leads; see
 * `contract/src/coherence.ts` for how what differs is counted. A row that is written all the time differs whenever
 * somebody looks, each time in another way: it counts only as long as Redis has not got to what the row was at first.
 */
export interface CoherenceStatus {
  /** Rows that were looked at since this relay began to lead. */
  readonly sampled: number;
  /** Of these, how many differed after so long: the first when they were looked at, the others again after that time. */
  readonly differing: readonly { readonly ageMs: number; readonly count: number }[];
}

export interface CoherenceLimits {
  readonly everyMs: number;
  readonly rowsAtOnce: number;
  readonly agesMs: readonly number[];
}

export const coherenceLimits: CoherenceLimits = {
  everyMs: 1_000,
  rowsAtOnce: 20,
  agesMs: COHERENCE_AGES_MS,
};

export const nothingSampled: CoherenceStatus = {
  sampled: 0,
  differing: coherenceLimits.agesMs.map((ageMs) => ({ ageMs, count: 0 })),
};

export interface CoherenceOptions {
  readonly redis: RedisStore;
  readonly database: Database;
  readonly tables: readonly ProjectedTable[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export function sampleCoherence(options: CoherenceOptions, limits: CoherenceLimits = coherenceLimits) {
  const { redis, database, tables, random, logger } = options;
  let sampled = 0;
  const counts: number[] = limits.agesMs.map(() => 0);
  const ending = new AbortController();
  const waited = (ms: number) =>
    delay(ms, true, { signal: ending.signal }).catch(() => {
      // The relay is stopping.
      return false;
    });

  const sample = async () => {
    const table = tables[Math.floor(random() * tables.length)];
    // While projections are missing, differences say nothing; outages are told by others.
    if (table === undefined || !redis.isUp()) return;
    if ((await redis.client.exists(readyKey(redis.prefix))) === 0) return;
    const rows = await randomRows(options, table, limits.rowsAtOnce);
    sampled += rows.length;
    let doubtful = await differing(options, table, rows);
    let ageMs = limits.agesMs[0] as number;
    counts[0] = (counts[0] as number) + rowsOf(doubtful).length;
    for (const [index, nextMs] of limits.agesMs.entries()) {
      if (index === 0) continue;
      if (doubtful.length === 0 || !(await waited(nextMs - ageMs))) return;
      ageMs = nextMs;
      const now = await differing(options, table, await readAgain(database, table, rowsOf(doubtful)));
      doubtful = doubtful.filter((first) => now.some((again) => isStill(first, again)));
      counts[index] = (counts[index] as number) + rowsOf(doubtful).length;
    }
    if (doubtful.length > 0) {
      const ids = rowsOf(doubtful).map((row) => row[table.primaryKey]);
      logger.error({ table: table.table, ids, ageMs }, "Redis differs from the database");
    }
  };

  const sampling = repeat("sample coherence", () => limits.everyMs, sample, logger);
  return {
    status: (): CoherenceStatus => ({
      sampled,
      differing: limits.agesMs.map((ageMs, index) => ({ ageMs, count: counts[index] as number })),
    }),
    close: async () => {
      ending.abort();
      await sampling.close();
    },
  };
}

/** A row may have several projections. */
function rowsOf(differences: readonly Difference[]): TableRow[] {
  return [...new Set(differences.map(({ row }) => row))];
}

/** Whether Redis has not moved since, or not yet to where the row was then. */
function isStill(first: Difference, again: Difference): boolean {
  const { key, id, shape, version } = first.projection;
  const { projection, held } = again;
  if (projection.shape !== shape || projection.key !== key || projection.id !== id) return false;
  if (held.version === null) return true;
  if (isWhole(held.version) && BigInt(held.version) < BigInt(version)) return true;
  return held.version === first.held.version && held.document === first.held.document;
}

/** Neighbours behind a random place in the key, which is a number or text. */
async function randomRows(
  { database, random }: CoherenceOptions,
  { table, primaryKey, columns }: ProjectedTable,
  rowsAtOnce: number,
): Promise<TableRow[]> {
  const [ends] = await database.query<{ first: string | number | null; last: string | number | null }>(
    `SELECT MIN(${primaryKey}) AS first, MAX(${primaryKey}) AS last FROM ${table}`,
  );
  if (ends === undefined || ends.first === null || ends.last === null) return [];
  const place =
    isWhole(ends.first) && isWhole(ends.last)
      ? between(Number(ends.first), Number(ends.last), random)
      : randomText(random);
  return database.query<TableRow>(
    `SELECT ${columns.join(", ")} FROM ${table} WHERE ${primaryKey} >= ? ORDER BY ${primaryKey} LIMIT ?`,
    [place, rowsAtOnce],
  );
}

function isWhole(value: string | number): boolean {
  return /^[0-9]+$/.test(String(value));
}

function between(first: number, last: number, random: () => number): number {
  return first + Math.floor(random() * (last - first + 1));
}

/** UUIDs of version 7 begin with their time: most places lie before the first or behind the last, a draw among them all. */
function randomText(random: () => number): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, "0");
}
