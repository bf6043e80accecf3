import { pageKey } from "@sluice/contract/keys.ts";
import { isLive, isLiveAt } from "../changes/liveness.ts";
import { nowMs } from "../platform/clock.ts";
import { clearMap, createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import { connect, release, textOf } from "../platform/redis.ts";
import { requestQuery } from "../platform/request.ts";
import { hasCursor, listQuery } from "./list-query.ts";
import { askOnce } from "./node-flight.ts";
import {
  answerFilled,
  answerHeld,
  type Filled,
  filledFromRedis,
  fillFromOrigin,
  isFresh,
  mayBeKept,
  type Page,
} from "./page.ts";
import { createFlights, fillOnce, spoilAll } from "./single-flight.ts";

/**
 * `GET /products`: pages of the list, under the generation of the collection, which is the id of the last change
 * to any product that this worker saw. A page filled under a generation is at least as new as it, so workers
 * may share pages through Redis and never give each other an older one.
 */
const pages = createGenerationalMap<Page>(500);
const flights = createFlights();

const PATH = "/products";
/**
 * What a page in Redis is there for is that the other workers find it, which takes moments. It bounds the keys
 * too: a client can make at most as many as the origin answers with different pages in this time.
 */
const REDIS_TTL_SECONDS = 10;
/** How a page without items begins. Any cursor behind the last product makes one: they are kept from Redis. */
const EMPTY_PAGE_START = '{"items":[]';

let prefix = "";
/** @perWorker */
let generation = "0-0";

export function configureProductLists(redisPrefix: string): void {
  prefix = redisPrefix;
}

/**
 * What this worker has for the query of the request, as long as it may be given without asking anybody.
 *
 * @hot
 */
export function heldProductList(atMs: number): Page | undefined {
  const given = requestQuery();
  // Only canonical queries are in there, and most requests bring one.
  const held = getFrom(pages, given === undefined ? "" : given);
  return held !== undefined && isFresh(held, isLiveAt(atMs), atMs) ? held : undefined;
}

/** @phase content */
export function serveProductList(): void {
  const given = requestQuery();
  const asked = given === undefined ? "" : given;
  const live = isLive();
  const atMs = nowMs();
  let held = getFrom(pages, asked);
  if (held !== undefined && isFresh(held, live, atMs)) {
    answerHeld(held);
    return;
  }
  const query = listQuery(asked);
  if (query === undefined) {
    // Nobody else's page: the origin says what is wrong with it, and nothing is kept.
    answerFilled(fillFromOrigin(PATH, asked), undefined);
    return;
  }
  if (query !== asked) {
    held = getFrom(pages, query);
    if (held !== undefined && isFresh(held, live, atMs)) {
      answerHeld(held);
      return;
    }
  }
  answerFilled(fillOnce(flights, query, fillList, live, keepList), held);
}

/** A product changed, or changes may have been missed: no page of the old generation is found again. */
export function beginGeneration(changeId: string): void {
  generation = changeId;
  clearMap(pages);
  spoilAll(flights);
}

function fillList(this: void, query: string, live: boolean): Filled {
  // The generation at the start: what changes while we ask must not find our page.
  const key = pageKey(prefix, generation, query);
  if (!live) return askOnce(key, 0, PATH, query);
  const askedAtMs = nowMs();
  const [redis] = connect();
  if (redis === undefined) return askOnce(key, 0, PATH, query);
  const [stored, readError] = redis.get(key);
  if (readError !== undefined) {
    redis.close();
    return askOnce(key, 0, PATH, query);
  }
  const body = textOf(stored);
  if (body !== undefined) {
    release(redis);
    return filledFromRedis(body, askedAtMs);
  }
  const filled = askOnce(key, 0, PATH, query);
  const page = filled.page;
  if (mayBeKept(filled) && page !== undefined && isShared(query, page)) {
    const [written] = redis.set(key, page.body, "EX", REDIS_TTL_SECONDS);
    if (written === undefined) {
      redis.close();
      return filled;
    }
  }
  release(redis);
  return filled;
}

function isShared(query: string, { status, body }: Page): boolean {
  return status === 200 && (!hasCursor(query) || !body.startsWith(EMPTY_PAGE_START));
}

function keepList(this: void, query: string, filled: Filled): void {
  const page = filled.page;
  if (mayBeKept(filled) && page !== undefined && page.status === 200) putInto(pages, query, page);
}
