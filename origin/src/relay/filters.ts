import { CHANGES_MAX_LENGTH } from "@sluice/contract/change.ts";
import {
  changesKey,
  FILTER_BITS,
  FILTER_EPOCH,
  FILTER_GENERATION,
  FILTER_HASHES,
  filterBitsKey,
  filterKey,
  leaderKey,
} from "@sluice/contract/keys.ts";
import {
  falsePositivesWith,
  type MembershipShape,
  memberPositions,
  membershipShape,
} from "@sluice/contract/membership.ts";
import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";
import { redisScript } from "../platform/redis/script.ts";
import { connectExact, relayMysqlLimits } from "./connection.ts";

/**
 * Filters that know every id that a table ever had, so that edges can say no to all others by themselves. The ids of
 * the log go into a filter before their rows are announced; what was there before is read from the table, beside the
 * log, into a new string of bits:
 *
 *     none of this epoch and size ──open──▶ building ──table read──▶ in use, the one before is removed
 *
 * While one is built, ids go into both. A relay that dies while building begins again; bits that are there already do
 * no harm. What begins a new epoch of the projections ends the filter as well: ids may have been missed.
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
  /** Bits that nobody builds on any more are gone after this time. */
  unfinishedLifeMs: 86_400_000,
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
  /** In use; of another size than the one that is wanted, if one is built. */
  used: Bits | undefined;
  building: Bits | undefined;
  /** Of the ids that came by the log. */
  highest: number;
}

interface Bits {
  readonly generation: string;
  readonly shape: MembershipShape;
}

const membersScript = redisScript(new URL("members.lua", import.meta.url));
const useScript = redisScript(new URL("use-filter.lua", import.meta.url));

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
        await addTo(options, filter, ids.slice(from, from + filterLimits.idsAtOnce).map(Number));
      }
    },
    build: async (signal) => {
      for (const filter of filters)
        if (filter.building) await build(options, filter, filter.building, signal);
    },
    status: () => Promise.all(filters.map((filter) => statusOf(options.redis, filter))),
  };
}

async function openFilter(
  options: FiltersOptions,
  table: ProjectedTable,
  name: string,
  wanted: MembershipShape,
): Promise<OneFilter> {
  const { redis, epoch } = options;
  const meta = await redis.client.hgetall(filterKey(redis.prefix, name));
  const { [FILTER_GENERATION]: generation, [FILTER_BITS]: bits, [FILTER_HASHES]: hashes } = meta;
  let used: Bits | undefined;
  if (generation !== undefined && bits !== undefined && hashes !== undefined) {
    used = { generation, shape: { bits: Number(bits), hashes: Number(hashes) } };
    if (meta[FILTER_EPOCH] !== epoch) {
      await use(options, name, undefined, used, 0);
      used = undefined;
    }
  }
  const fits = used?.shape.bits === wanted.bits && used.shape.hashes === wanted.hashes;
  const building = { generation: `${epoch}:${wanted.bits}x${wanted.hashes}`, shape: wanted };
  return { name, table, used, building: fits ? undefined : building, highest: 0 };
}

async function addTo(
  { redis, token }: FiltersOptions,
  filter: OneFilter,
  ids: readonly number[],
): Promise<void> {
  const { client, prefix } = redis;
  const highest = Math.max(...ids);
  filter.highest = Math.max(filter.highest, highest);
  const into = [filter.used, filter.building].filter((bits) => bits !== undefined);
  const keys = [leaderKey(prefix), filterKey(prefix, filter.name)];
  // The life of bits that are in use has no end, and theirs is set by whoever builds.
  const args = [token, String(highest), "0"];
  for (const { generation, shape } of into) {
    keys.push(filterBitsKey(prefix, filter.name, generation));
    args.push(ids.flatMap((id) => memberPositions(shape, id)).join(","));
  }
  await membersScript.run(client, keys, args);
}

/** Reads the table into the new bits, page by page, and puts them in use. */
async function build(
  options: FiltersOptions,
  filter: OneFilter,
  building: Bits,
  signal: AbortSignal,
): Promise<void> {
  const { url, logger } = options;
  const { name, table } = filter;
  const { generation, shape } = building;
  logger.info({ filter: name, generation }, "filter is being built");
  const connection = await connectExact(url);
  let rows = 0;
  let last: string | number | undefined;
  try {
    for (;;) {
      const ids = await readIds(connection, table, last);
      signal.throwIfAborted();
      if (ids.length > 0) await addBuilt(options, name, building, ids.map(Number));
      rows += ids.length;
      last = ids.at(-1) ?? last;
      if (ids.length < filterLimits.idsAtOnce) break;
    }
  } finally {
    connection.destroy();
  }
  // What the log brings from here on raises it by itself.
  const before = filter.used;
  await use(options, name, building, before, Math.max(filter.highest, Number(last ?? 0)));
  filter.used = building;
  filter.building = undefined;
  // Ids that were on their way have made the removed bits anew; none goes there any more.
  if (before !== undefined) {
    const { client, prefix } = options.redis;
    await client.unlink(filterBitsKey(prefix, name, before.generation));
  }
  logger.info({ filter: name, generation, rows, bytes: shape.bits / 8 }, "filter is in use");
}

async function addBuilt(
  { redis, token }: FiltersOptions,
  name: string,
  { generation, shape }: Bits,
  ids: readonly number[],
): Promise<void> {
  const { client, prefix } = redis;
  const keys = [leaderKey(prefix), filterKey(prefix, name), filterBitsKey(prefix, name, generation)];
  const positions = ids.flatMap((id) => memberPositions(shape, id)).join(",");
  await membersScript.run(client, keys, [token, "0", String(filterLimits.unfinishedLifeMs), positions]);
}

async function use(
  { redis, token, epoch }: FiltersOptions,
  name: string,
  bits: Bits | undefined,
  before: Bits | undefined,
  highest: number,
): Promise<void> {
  const { client, prefix } = redis;
  const keyOf = ({ generation }: Bits) => filterBitsKey(prefix, name, generation);
  const next = bits ?? before;
  if (next === undefined) return;
  const keys = [
    leaderKey(prefix),
    changesKey(prefix),
    filterKey(prefix, name),
    keyOf(next),
    keyOf(before ?? next),
  ];
  const { generation, shape } = next;
  const meta = [epoch, String(shape.bits), String(shape.hashes), String(highest)];
  await useScript.run(client, keys, [
    token,
    String(CHANGES_MAX_LENGTH),
    bits === undefined ? "" : generation,
    ...meta,
  ]);
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

async function statusOf({ client, prefix }: RedisStore, filter: OneFilter): Promise<FilterStatus> {
  const { name: named, used, building } = filter;
  const bits = used ?? building;
  const set = bits === undefined ? 0 : await client.bitcount(filterBitsKey(prefix, named, bits.generation));
  return {
    filter: named,
    building: building !== undefined,
    bytes: bits === undefined ? 0 : bits.shape.bits / 8,
    falsePositives: bits === undefined ? 0 : falsePositivesWith(bits.shape, set),
  };
}
