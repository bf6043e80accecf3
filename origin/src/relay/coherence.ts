import { setTimeout as delay } from "node:timers/promises";
import { readyKey } from "@sluice/contract/keys.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import { differing, readAgain } from "../platform/redis/audit-projections.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";
import { repeat } from "../platform/repeat.ts";

/**
 * Compares a random sample of what is in Redis with the rows that it was made of, for as long as this relay leads. A row
 * that changed a moment ago may differ, so what does is looked at again after each of `agesMs`, against the database of
 * that moment, and counted by how long it has differed. In good health the first ages count what is on its way, and the
 * last ones stay at 0: what differs that long was lost.
 */
export interface CoherenceStatus {
  /** Rows that were looked at since this relay began to lead. */
  readonly sampled: number;
  /** Of these, how many differed after so long: the first when they were looked at, the others again after that time. */
  readonly differing: readonly { readonly ageMs: number; readonly count: number }[];
}

export const coherenceLimits = {
  everyMs: 1_000,
  rowsAtOnce: 20,
  agesMs: [0, 50, 500, 5_000],
} as const;

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

export function sampleCoherence(options: CoherenceOptions) {
  const { redis, tables, random, logger } = options;
  let sampled = 0;
  const counts: number[] = coherenceLimits.agesMs.map(() => 0);
  const ending = new AbortController();

  const sample = async () => {
    const table = tables[Math.floor(random() * tables.length)];
    // While projections are missing, differences say nothing; outages are told by others.
    if (table === undefined || !redis.isUp()) return;
    if ((await redis.client.exists(readyKey(redis.prefix))) === 0) return;
    let rows = await randomRows(options, table);
    sampled += rows.length;
    let ageMs = 0;
    for (const [index, nextMs] of coherenceLimits.agesMs.entries()) {
      if (rows.length === 0) return;
      await delay(nextMs - ageMs, undefined, { signal: ending.signal });
      ageMs = nextMs;
      if (index > 0) rows = await readAgain(options.database, table, rows);
      rows = (await differing(options, table, rows)).map(({ row }) => row);
      counts[index] = (counts[index] as number) + rows.length;
    }
    if (rows.length > 0) {
      const ids = rows.map((row) => row[table.primaryKey]);
      logger.error({ table: table.table, ids, ageMs }, "Redis differs from the database");
    }
  };

  const sampling = repeat("sample coherence", () => coherenceLimits.everyMs, sample, logger);
  return {
    status: (): CoherenceStatus => ({
      sampled,
      differing: coherenceLimits.agesMs.map((ageMs, index) => ({ ageMs, count: counts[index] as number })),
    }),
    close: async () => {
      ending.abort();
      await sampling.close();
    },
  };
}

/** Neighbours behind a random place in the key, which is a number or text. */
async function randomRows(
  { database, random }: CoherenceOptions,
  { table, primaryKey, columns }: ProjectedTable,
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
    [place, coherenceLimits.rowsAtOnce],
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
