import {
  accessEntriesKey,
  changesKey,
  FIELD_DOCUMENT,
  FIELD_VERSION,
  policyKey,
  readyKey,
} from "@sluice/contract/keys.ts";
import { salesKey } from "@sluice/contract/sale.ts";
import { loadFilter } from "../cache/product-filter.ts";
import { type Connection, textOf } from "../platform/redis.ts";
import { currentLists, replacePolicy } from "../policies/access.ts";
import { beginLoad, endLoad, loadEntry } from "../policies/access-lists.ts";
import { notePolicy } from "../policies/snapshot.ts";
import { applySale, forgetSales } from "../sales/sales.ts";
import { isBefore, POSITION_START } from "./position.ts";

/** What a complete load left behind: follow from `position`, for as long as the epoch is `epoch`. */
export interface Loaded {
  position: string;
  epoch: string;
}

/** Entries of one HSCAN reply, roughly: parsing them takes about 2 ms, and others wait meanwhile. */
const SCAN_COUNT = 500;

/**
 * Loads policy and lists. `nil, nil`: the projections in Redis are not complete, so what is held stays. Entries are
 * taken into the lists as they come, each in a state that it has or had; a load that breaks off removes none. The
 * position is read first: what changes during the load is read again afterwards, and versions tell what is new.
 */
export function loadAll(
  redis: Connection,
  prefix: string,
): LuaMultiReturn<[Loaded | undefined, string | undefined]> {
  const [position, positionError] = lastPosition(redis, prefix);
  if (position === undefined) return $multi(undefined, positionError);
  const [epoch, epochError] = readEpoch(redis, prefix);
  if (epoch === undefined) return $multi(undefined, epochError);

  const lists = currentLists();
  beginLoad(lists);
  let cursor = "0";
  do {
    const [page, scanError] = redis.hscan(accessEntriesKey(prefix), cursor, "COUNT", SCAN_COUNT);
    if (!page) return $multi(undefined, scanError);
    cursor = page[0];
    const listed = page[1];
    for (let i = 1; i < listed.length; i += 2) loadEntry(lists, listed[i] as string);
  } while (cursor !== "0");
  const [policy, policyError] = redis.hmget(policyKey(prefix), FIELD_VERSION, FIELD_DOCUMENT);
  if (!policy) return $multi(undefined, policyError);

  const salesError = loadSales(redis, prefix, true);
  if (salesError !== undefined) return $multi(undefined, salesError);

  const [epochAfter, epochAfterError] = readEpoch(redis, prefix);
  if (epochAfter !== epoch) return $multi(undefined, epochAfterError);
  endLoad(lists);
  const filterFailure = loadFilter(redis, prefix, epoch);
  if (filterFailure !== undefined) return $multi(undefined, filterFailure);
  if (!usePolicy(policy)) return $multi(undefined, "the policy in Redis cannot be used");
  return $multi({ position, epoch }, undefined);
}

/** Reads all sales; `afresh` forgets what is held, even if it claims to be newer. */
export function loadSales(redis: Connection, prefix: string, afresh: boolean): string | undefined {
  const [listed, err] = redis.hgetall(salesKey(prefix));
  if (!listed) return err;
  if (afresh) forgetSales();
  for (let i = 1; i < listed.length; i += 2) applySale(listed[i] as string);
  return undefined;
}

/** Reads the policy again, because a change said so. */
export function loadPolicy(redis: Connection, prefix: string): string | undefined {
  const [policy, policyError] = redis.hmget(policyKey(prefix), FIELD_VERSION, FIELD_DOCUMENT);
  if (!policy) return policyError;
  if (usePolicy(policy)) notePolicy();
  return undefined;
}

/** Names the epoch; `nil, nil` when the projections are not complete. */
export function readEpoch(
  redis: Connection,
  prefix: string,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [epoch, err] = redis.get(readyKey(prefix));
  return $multi(textOf(epoch), err);
}

/**
 * Whether nothing after `position` can have been lost: the stream still reaches back to it and is the same
 * stream.
 */
export function reachesBack(
  redis: Connection,
  prefix: string,
  position: string,
): LuaMultiReturn<[boolean, string | undefined]> {
  const [first, err] = redis.xrange(changesKey(prefix), "-", "+", "COUNT", 1);
  if (!first) return $multi(false, err);
  const oldest = first[0];
  if (oldest === undefined) return $multi(position === POSITION_START, undefined);
  const [newest, newestError] = lastPosition(redis, prefix);
  if (newest === undefined) return $multi(false, newestError);
  return $multi(!isBefore(position, oldest[0]) && !isBefore(newest, position), undefined);
}

function lastPosition(
  redis: Connection,
  prefix: string,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [entries, err] = redis.xrevrange(changesKey(prefix), "+", "-", "COUNT", 1);
  if (!entries) return $multi(undefined, err);
  const newest = entries[0];
  return $multi(newest === undefined ? POSITION_START : newest[0], undefined);
}

/** `policy` is version and document; before the first one is published there is neither. */
function usePolicy(policy: unknown[]): boolean {
  const version = textOf(policy[0]);
  const document = textOf(policy[1]);
  if (version === undefined) return replacePolicy(0, "");
  return document !== undefined && replacePolicy(tonumber(version) as number, document);
}
