/**
 * Redis key names. `prefix` comes first in all of them: it is empty in production and separates test runs
 * that share one server. A projection entry is a hash: `v` its row version, `d` its JSON document; an
 * entry with `v` and no `d` is a tombstone (see `origin/src/platform/redis/project.lua`).
 *
 * On a Redis Cluster the prefix holds a hash tag (`{sluice}:`): scripts touch several of these keys at once.
 */

/** Field of a projection entry: the row version, a decimal integer that only grows. */
export const FIELD_VERSION = "v";
/** Field of a projection entry: the JSON document; absent in a tombstone. */
export const FIELD_DOCUMENT = "d";
/** Field prefixes of the two parts of a product page. */
export const PART_PRODUCT = "product.";
export const PART_STOCK = "stock.";

/** Hash with the parts `product.` (catalog) and `stock.` (ordering); joined by `composeProductPage`. */
export function productKey(prefix: string, productId: string): string {
  return `${prefix}product:${productId}`;
}

/**
 * What is kept of a product's likes. A projection entry with the count, `{"likes":N}`; its field `floor` is for the two
 * sorted sets beside it, which hold whoever acted after that time (see `origin/src/platform/redis/rank.lua`).
 */
export function likesKey(prefix: string, productId: string): string {
  return `${prefix}likes:${productId}`;
}

/** Who likes the product: user ids as {@link memberOf} writes them, by the time at which they liked it. */
export function likersKey(prefix: string, productId: string): string {
  return `${prefix}likes:${productId}:likers`;
}

/** Who liked it before, by the time at which they took it back: a late fill must not bring them back. */
export function formerLikersKey(prefix: string, productId: string): string {
  return `${prefix}likes:${productId}:former`;
}

/** Field of the likes entry: the sorted sets hold everything after that time (Unix, ms), and nothing up to it. */
export const FIELD_FLOOR = "floor";

/** Projection entry of one login session: `{userId, expiresAt}`; a tombstone once revoked. */
export function sessionKey(prefix: string, sessionId: string): string {
  return `${prefix}session:${sessionId}`;
}

/** The filter of all ids that were ever a product's (see `membership.ts`). */
export const PRODUCTS_FILTER = "products";

/** Hash that describes a filter: the one in use, if there is one that is complete, and the one that is being built. */
export function filterKey(prefix: string, filter: string): string {
  return `${prefix}filter:${filter}`;
}

/** Which string of bits is in use, and of which epoch (`filterEpoch`): it says nothing about another one. */
export const FILTER_GENERATION = "generation";
export const FILTER_EPOCH = "epoch";
/** Which string of bits is not complete yet. */
export const FILTER_BUILDING = "building";
/** Its `MembershipShape`. */
export const FILTER_BITS = "bits";
export const FILTER_HASHES = "hashes";
/** The highest id in it. */
export const FILTER_HIGHEST = "highest";

/** The bits themselves; those of a filter that was built are there before it is in use. */
export function filterBitsKey(prefix: string, filter: string, generation: string): string {
  return `${prefix}filter:${filter}:${generation}`;
}

/**
 * The ids that are not in the bits yet, each with a comma behind it. Who loads a filter reads these first: by then an id
 * is here, or in the bits, or not announced.
 */
export function filterNewIdsKey(prefix: string, filter: string): string {
  return `${prefix}filter:${filter}:new`;
}

/** There while a relay follows the log and is not behind, and for moments after; it expires by itself. */
export function relayCurrentKey(prefix: string): string {
  return `${prefix}relay:current`;
}

/** What edge workers have found out about their pages (`coherence.ts`): a hash of counters. */
export function pageSampleKey(prefix: string): string {
  return `${prefix}edge:page-sample`;
}

/** Projection entry of the published policy: version = revision, document = `PolicyDocument`. */
export function policyKey(prefix: string): string {
  return `${prefix}access:policy`;
}

/** Hash of all list entries: field = entry id, value = JSON `AccessEntry` (which carries its version). */
export function accessEntriesKey(prefix: string): string {
  return `${prefix}access:entries`;
}

/** One page of a cached list, under the collection's generation, so that a stale page is never found. */
export function pageKey(prefix: string, generation: string, query: string): string {
  return `${prefix}page:${generation}:${query}`;
}

/** The change stream (see `change.ts`). */
export function changesKey(prefix: string): string {
  return `${prefix}changes`;
}

/** Projection entry of one buyer: `{events}`, how many steps their orders have taken; gone some minutes later. */
export function buyerKey(prefix: string, userId: string): string {
  return `${prefix}buyer:${userId}`;
}

/** Like the change stream, for what is told to buyers: of no use to the edge. */
export function orderEventsKey(prefix: string): string {
  return `${prefix}order-events`;
}

/**
 * Present when the projections are complete; its value names the epoch, new after each rebuild. Without it
 * an absent key means nothing: an edge keeps what it has and refuses what it cannot decide.
 */
export function readyKey(prefix: string): string {
  return `${prefix}ready`;
}

/** Where the relay stands in the binlog: beside what it describes, so that both are lost together. */
export function checkpointKey(prefix: string): string {
  return `${prefix}relay:checkpoint`;
}

/** How far tables were read into projections: JSON, a table's name → `{revision, after?}`; complete without `after`. */
export function fillsKey(prefix: string): string {
  return `${prefix}relay:fills`;
}

/**
 * The token of the relay that leads, new with each time that one begins. The scripts by which a relay writes
 * compare it, so one that was paused while another took over writes nothing.
 */
export function leaderKey(prefix: string): string {
  return `${prefix}relay:leader`;
}

/** The recorded sample of decisions, a capped stream (see `decision-record.ts`). */
export function decisionsKey(prefix: string): string {
  return `${prefix}decisions`;
}

/** Counters of decisions, a hash (see `decision-counters.ts`). */
export function decisionCountersKey(prefix: string): string {
  return `${prefix}decisions:counters`;
}

/** What edges tell of their geo data, a hash (see `geo-report.ts`). */
export function geoReportsKey(prefix: string): string {
  return `${prefix}geo`;
}
