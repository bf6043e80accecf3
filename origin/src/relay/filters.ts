import { falsePositivesWith, type MembershipShape, membershipShape } from "@sluice/contract/membership.ts";
import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";
import { connectExact, relayMysqlLimits } from "./connection.ts";
import { type Bits, type FilterStore, filterStore } from "./filter-store.ts";

/**
 * Filters that know every id that a table ever had, so that edges can say no to all others by themselves. The ids of
 * the log go into a filter before their rows are announced; what was there before is read from the table, beside the
 * log, into a new string of bits:
 *
 *     none of this epoch and size ──open──▶ building ──table read──▶ in use, the one before is removed
 *
 * While one is built, ids go into both. A relay that dies while building begins again; bits that are there already do
 * no harm, and those of a size that nobody wants any more are taken away. What begins a new epoch of the projections ends the filter as well: ids may have been missed.
 */
export interface Filters {
  /** Resolves when they are in Redis: nothing may announce the rows before that. */
  add(table: string, ids: readonly string[]): Promise<void>;
  /** Builds what is missing. Rejects when `signal` aborts. */
  build(signal: AbortSignal): Promise<void>;
  /** What they cost and how good they are at the moment. */
  status(): Promise<FilterStatus[]>;
}

export interface FilterStatus {
  readonly filter: string;
  readonly building: boolean;
  readonly bytes: number;
  /** How many of the ids that never existed it lets through, from 0 to 1, by the bits that are set. */
  readonly falsePositives: number;
}

export const filterLimits = {
  /** Ids that are read and written at once: Redis serves nobody else meanwhile, for about a millisecond. */
  idsAtOnce: 250,
  /** Share of ids that never existed which a filter with as many ids as it is made for lets through. */
  falsePositives: 0.001,
} as const;

export interface FiltersOptions {
  readonly url: string;
  readonly redis: RedisStore;
  readonly tables: readonly ProjectedTable[];
  readonly token: string;
  readonly epoch: string;
  /** How many ids a filter is made for. */
  readonly idsMax: number;
  readonly logger: Logger;
}

interface OneFilter {
  readonly name: string;
  readonly table: ProjectedTable;
  readonly store: FilterStore;
  /** In use; of another size than the one that is wanted, if one is built. */
  used: Bits | undefined;
  building: Bits | undefined;
  /** Of the ids that came by the log. */
  highest: number;
}

export async function openFilters(options: FiltersOptions): Promise<Filters> {
  const wanted = membershipShape(options.idsMax, filterLimits.falsePositives);
  const filters: OneFilter[] = [];
  for (const table of options.tables) {
    if (table.filter !== undefined) filters.push(await openFilter(options, table, table.filter, wanted));
  }
  const byTable = new Map(filters.map((filter) => [filter.table.table, filter]));
  return {
    add: async (table, ids) => {
      const filter = byTable.get(table);
      if (filter === undefined) return;
      for (let from = 0; from < ids.length; from += filterLimits.idsAtOnce) {
        await addTo(filter, ids.slice(from, from + filterLimits.idsAtOnce).map(Number));
      }
    },
    build: async (signal) => {
      for (const filter of filters)
        if (filter.building) await build(options, filter, filter.building, signal);
    },
    status: () => Promise.all(filters.map(statusOf)),
  };
}

async function openFilter(
  options: FiltersOptions,
  table: ProjectedTable,
  name: string,
  wanted: MembershipShape,
): Promise<OneFilter> {
  const store = filterStore(options.redis, name, options);
  return { name, table, store, ...(await store.begin(wanted)), highest: 0 };
}

async function addTo(filter: OneFilter, ids: readonly number[]): Promise<void> {
  filter.highest = Math.max(filter.highest, ...ids);
  const into = [filter.used, filter.building].filter((bits) => bits !== undefined);
  await filter.store.add(into, ids);
}

/** Reads the table into the new bits, page by page, and puts them in use. */
async function build(
  { url, logger }: FiltersOptions,
  filter: OneFilter,
  building: Bits,
  signal: AbortSignal,
): Promise<void> {
  const { name, table, store } = filter;
  const { generation, shape } = building;
  logger.info({ filter: name, generation }, "filter is being built");
  const connection = await connectExact(url);
  let rows = 0;
  let last: string | number | undefined;
  try {
    for (;;) {
      const ids = await readIds(connection, table, last);
      signal.throwIfAborted();
      if (ids.length > 0) await store.add([building], ids.map(Number));
      rows += ids.length;
      last = ids.at(-1) ?? last;
      if (ids.length < filterLimits.idsAtOnce) break;
    }
  } finally {
    connection.destroy();
  }
  // What the log brings from here on raises it by itself.
  await store.use(building, filter.used, Math.max(filter.highest, Number(last ?? 0)));
  filter.used = building;
  filter.building = undefined;
  logger.info({ filter: name, generation, rows, bytes: shape.bits / 8 }, "filter is in use");
}

async function readIds(
  connection: Connection,
  { table, primaryKey }: ProjectedTable,
  after: string | number | undefined,
): Promise<(string | number)[]> {
  const [page] = await connection.query<RowDataPacket[]>({
    sql: `SELECT ?? AS id FROM ?? WHERE ?? > ? ORDER BY ?? LIMIT ${filterLimits.idsAtOnce}`,
    values: [primaryKey, table, primaryKey, after ?? 0, primaryKey],
    timeout: relayMysqlLimits.queryTimeoutMs,
  });
  return page.map(({ id }) => id as string | number);
}

async function statusOf({ name, store, used, building }: OneFilter): Promise<FilterStatus> {
  const bits = used ?? building;
  return {
    filter: name,
    building: building !== undefined,
    bytes: bits === undefined ? 0 : bits.shape.bits / 8,
    falsePositives: bits === undefined ? 0 : falsePositivesWith(bits.shape, await store.countBits(bits)),
  };
}
