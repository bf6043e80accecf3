import {
  FILTER_BITS,
  FILTER_EPOCH,
  FILTER_GENERATION,
  FILTER_HASHES,
  FILTER_HIGHEST,
  filterBitsKey,
  filterKey,
  filterNewIdsKey,
  PRODUCTS_FILTER,
  relayCurrentKey,
} from "@sluice/contract/keys.ts";
import { addMember, filterEpoch, type MembershipShape, mayBeMember } from "@sluice/contract/membership.ts";
import { allocateFlat, type FlatArray } from "@sluice/contract/policy/flat-memory.ts";
import { isLiveAt } from "../changes/liveness.ts";
import { giveWay, nowMs } from "../platform/clock.ts";
import { type Connection, textOf } from "../platform/redis.ts";

/**
 * Which ids have ever been a product's. What this worker's copy says no to is answered 404 without asking anybody, as
 * long as the change stream is followed: the copy was complete at the position where the worker began to follow, and
 * every product that appears after it is a change, which adds its id here.
 *
 * A product is announced some moments after its commit. Who asks for it in between has its id from the commit, so it is
 * one of the next ids that the database gives: these are left to who can know. Without a relay that keeps up the moments
 * have no end, and nothing is said of any id.
 */
interface Filter {
  shape: MembershipShape;
  bytes: FlatArray;
  /** The highest id that was ever added. */
  highest: number;
}

/** Ids above the highest known one of which nothing is said: products made within the time that a change takes. */
const NEXT_IDS = 32;
/** For how long a relay that was seen to keep up is believed to; it is looked for every second or two. */
const KEPT_MS = 2_500;
/** Bytes of one read: others wait meanwhile. */
const PIECE_BYTES = 65_536;
/** Likewise. */
const IDS_AT_ONCE = 2_000;
/** JavaScript's, and the catalog's: no product has a higher id. */
const ID_MAX = 9_007_199_254_740_991;

/** @perWorker */
let filter: Filter | undefined;
/** @perWorker */
let keptUntilMs = 0;

/**
 * Whether there has never been a product with that id. `id` is decimal.
 *
 * @hot
 */
export function neverExisted(id: number, atMs: number): boolean {
  if (filter === undefined || atMs >= keptUntilMs || !isLiveAt(atMs)) return false;
  const beyond = id - filter.highest;
  if (beyond > NEXT_IDS) return true;
  return beyond <= 0 && !mayBeMember(filter.bytes, filter.shape, id);
}

/** A product was announced, whatever became of it. */
export function noteProduct(id: string): void {
  if (filter !== undefined) addId(filter, id);
}

function addId(to: Filter, id: string): void {
  const number = tonumber(id) as number;
  if (number > ID_MAX) return;
  addMember(to.bytes, to.shape, number);
  to.highest = math.max(to.highest, number);
}

export function isFilterLoaded(): boolean {
  return filter !== undefined;
}

/** Until one is loaded, nothing is said of any id. */
export function forgetFilter(): void {
  filter = undefined;
}

/** Looks whether a relay keeps up. Returns an error of Redis. */
export function lookForRelay(redis: Connection, prefix: string): string | undefined {
  const [current, err] = redis.get(relayCurrentKey(prefix));
  if (textOf(current) !== undefined) keptUntilMs = nowMs() + KEPT_MS;
  return err;
}

/**
 * Takes the filter that Redis holds for this epoch, or none when there is none. The change stream is not read on
 * meanwhile, so what is added to it after this comes as a change. Returns an error of Redis.
 */
export function loadFilter(redis: Connection, prefix: string, epoch: string): string | undefined {
  // First, because they go from here into the bits.
  const [newIds, idsError] = redis.get(filterNewIdsKey(prefix, PRODUCTS_FILTER));
  if (idsError !== undefined) return idsError;
  const [meta, metaError] = redis.hmget(
    filterKey(prefix, PRODUCTS_FILTER),
    FILTER_GENERATION,
    FILTER_EPOCH,
    FILTER_BITS,
    FILTER_HASHES,
    FILTER_HIGHEST,
  );
  if (!meta) return metaError;
  const generation = textOf(meta[0]);
  if (generation === undefined || textOf(meta[1]) !== filterEpoch(epoch)) {
    filter = undefined;
    return undefined;
  }
  const shape = { bits: numberOf(meta[2]), hashes: numberOf(meta[3]) };
  const bytes = allocateFlat("uint8", shape.bits / 8);
  const key = filterBitsKey(prefix, PRODUCTS_FILTER, generation);
  for (let from = 0; from < shape.bits / 8; from += PIECE_BYTES) {
    const [piece, readError] = redis.getrange(key, from, from + PIECE_BYTES - 1);
    if (readError !== undefined) return readError;
    copyInto(bytes, from, textOf(piece) as string);
  }
  const loaded = { shape, bytes, highest: numberOf(meta[4]) };
  addAll(loaded, textOf(newIds));
  // Another one took its place meanwhile: that is a change to come, and this one may have been removed.
  const [now, nowError] = redis.hget(filterKey(prefix, PRODUCTS_FILTER), FILTER_GENERATION);
  if (nowError !== undefined) return nowError;
  filter = textOf(now) === generation ? loaded : undefined;
  return undefined;
}

function addAll(to: Filter, list: string | undefined): void {
  if (list === undefined) return;
  let added = 0;
  for (const [id] of string.gmatch(list, "%d+")) {
    addId(to, id as string);
    added += 1;
    if (added % IDS_AT_ONCE === 0) giveWay();
  }
}

function copyInto(bytes: FlatArray, from: number, piece: string): void {
  for (let i = 0; i < piece.length; i++) bytes[from + i] = piece.charCodeAt(i);
}

function numberOf(reply: unknown): number {
  return tonumber(textOf(reply)) as number;
}
