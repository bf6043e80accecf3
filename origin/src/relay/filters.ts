import {
  addMember,
  falsePositivesWith,
  type MembershipShape,
  membershipShape,
} from "@sluice/contract/membership.ts";
import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";
import { connectExact, relayMysqlLimits } from "./connection.ts";
import { type Bits, type FilterStore, filterStore, highestOf } from "./filter-store.ts";

/**
 * Filters that know every id that a table ever had, so that edges can say no to all others by themselves. The ids of
 * the log are in Redis before their rows are announced, in a list at first, which costs next to nothing; in larger
 * numbers they go from there into the bits:
 *
 *     log ──add──▶ list of new ids ──fold──▶ bits in use
 *     table ──read──▶ bits in memory ──use──▶ bits in use, the ones before are removed
 *
 * Bits are set in this process and written in pieces: in Redis, each bit of each id cost it more than a microsecond. Bits
 * are built when there are none of this epoch and size. A relay that dies while building begins again. What begins a new
 * epoch of the projections ends the filter as well: ids may have been missed.
 */
export interface Filters {
  /** Resolves when they are in Redis: nothing may announce the rows before that. */
  add(table: string, ids: readonly string[]): Promise<void>;
  /** Builds what is missing. Rejects when `signal` aborts. */
  build(signal: AbortSignal): Promise<void>;
  /** What they cost and how good they are at the moment. */
  status(): Promise<FilterStatus[]>;
  /** Waits for what is being written. */
  settled(): Promise<void>;
}

export interface FilterStatus {
  readonly filter: string;
  readonly building: boolean;
  readonly bytes: number;
  /** How many of the ids that never existed it lets through, from 0 to 1, by the bits that are set. */
  readonly falsePositives: number;
}

export const filterLimits = {
  /** Ids of one page of the table. */
  idsAtOnce: 2_000,
  /** A list of new ids that is so long goes into the bits, */
  foldAtBytes: 131_072,
  /** and nothing more is read before, when it is so long. */
  newIdsBytesMax: 524_288,
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
  building: Built | undefined;
  /** Of the ids that came by the log. */
  highest: number;
  /** Bits are written by one at a time: a fold, or the end of a build. */
  writing: Promise<void>;
  folds: boolean;
  failure: unknown;
}

interface Built extends Bits {
  readonly bytes: Buffer;
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
      if (filter !== undefined && ids.length > 0) await addTo(filter, ids.map(Number));
    },
    build: async (signal) => {
      for (const filter of filters)
        if (filter.building) await build(options, filter, filter.building, signal);
    },
    status: () => Promise.all(filters.map(statusOf)),
    settled: async () => {
      for (const { writing } of filters) await writing.catch(() => undefined);
    },
  };
}

async function openFilter(
  options: FiltersOptions,
  table: ProjectedTable,
  name: string,
  wanted: MembershipShape,
): Promise<OneFilter> {
  const store = filterStore(options.redis, name, options);
  const { used, building } = await store.begin(wanted);
  return {
    name,
    table,
    store,
    used,
    building: building && { ...building, bytes: Buffer.alloc(wanted.bits / 8) },
    highest: 0,
    writing: Promise.resolve(),
    folds: false,
    failure: undefined,
  };
}

async function addTo(filter: OneFilter, ids: readonly number[]): Promise<void> {
  filter.highest = Math.max(filter.highest, highestOf(ids));
  const listBytes = await filter.store.addNew(ids);
  if (filter.failure !== undefined) throw filter.failure;
  if (listBytes > filterLimits.foldAtBytes && !filter.folds) {
    filter.folds = true;
    writeNext(filter, () => fold(filter)).catch((error: unknown) => {
      filter.failure = error;
    });
  }
  if (listBytes > filterLimits.newIdsBytesMax) await filter.writing;
}

/** Runs `work` behind whatever is being written. */
function writeNext(filter: OneFilter, work: () => Promise<void>): Promise<void> {
  filter.writing = filter.writing.then(work);
  return filter.writing;
}

/** New ids go into the bits, in use and being built, and then from the list. */
async function fold(filter: OneFilter): Promise<void> {
  const { store, used, building } = filter;
  const { ids, bytes } = await store.readNew();
  if (building !== undefined) for (const id of ids) addMember(building.bytes, building.shape, id);
  if (used !== undefined) {
    const held = await store.readBits(used);
    for (const id of ids) addMember(held, used.shape, id);
    await store.writeBits(used, held);
  }
  await store.dropNew(bytes);
  filter.folds = false;
}

/** Reads the table into the new bits, page by page, and puts them in use. */
async function build(
  { url, logger }: FiltersOptions,
  filter: OneFilter,
  building: Built,
  signal: AbortSignal,
): Promise<void> {
  const { name, table, store } = filter;
  const { generation, shape, bytes } = building;
  logger.info({ filter: name, generation }, "filter is being built");
  const connection = await connectExact(url);
  let rows = 0;
  let last: string | number | undefined;
  try {
    for (;;) {
      const ids = await readIds(connection, table, last);
      signal.throwIfAborted();
      for (const id of ids) addMember(bytes, shape, Number(id));
      rows += ids.length;
      last = ids.at(-1) ?? last;
      if (ids.length < filterLimits.idsAtOnce) break;
    }
  } finally {
    connection.destroy();
  }
  await writeNext(filter, async () => {
    await store.writeBits(building, bytes);
    // What the log brings from here on raises it by itself; what is in the list stays there.
    await store.use(building, filter.used, Math.max(filter.highest, Number(last ?? 0)));
    filter.used = { generation, shape };
    filter.building = undefined;
  });
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
  return {
    filter: name,
    building: building !== undefined,
    bytes: ((used ?? building)?.shape.bits ?? 0) / 8,
    falsePositives: used === undefined ? 0 : falsePositivesWith(used.shape, await store.countBits(used)),
  };
}
