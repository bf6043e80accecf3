import { pageKey } from "@sluice/contract/keys.ts";
import { isLive } from "../changes/liveness.ts";
import { clearMap, createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import { connect, release, textOf } from "../platform/redis.ts";
import { requestQuery } from "../platform/request.ts";
import { answerFilled, answerHeld, type Filled, fillFromOrigin, isFresh, okPage, type Page } from "./page.ts";
import { createFlights, fillOnce, spoilAll } from "./single-flight.ts";

/**
 * `GET /products`: pages of the list, under the generation of the collection, which is the id of the last change
 * to any product that this worker saw. A page filled under a generation is at least as new as it, so workers
 * may share pages through Redis and never give each other an older one.
 */
const pages = createGenerationalMap<Page>(500);
const flights = createFlights();

const PATH = "/products";
/** Longer queries are not ours: they go to the origin and are not kept. */
const QUERY_LENGTH_MAX = 200;
const REDIS_TTL_SECONDS = 60;

let prefix = "";
/** @perWorker */
let generation = "0-0";

export function configureProductLists(redisPrefix: string): void {
  prefix = redisPrefix;
}

/** @phase content */
export function serveProductList(): void {
  const given = requestQuery();
  const query = given === undefined ? "" : given;
  const live = isLive();
  const held = getFrom(pages, query);
  if (held !== undefined && isFresh(held, live)) {
    answerHeld(held);
    return;
  }
  const filled =
    query.length <= QUERY_LENGTH_MAX
      ? fillOnce(flights, query, fillList, live, keepList)
      : fillFromOrigin(PATH, query);
  answerFilled(filled, held);
}

/** A product changed, or changes may have been missed: no page of the old generation is found again. */
export function beginGeneration(changeId: string): void {
  generation = changeId;
  clearMap(pages);
  spoilAll(flights);
}

function fillList(this: void, query: string, live: boolean): Filled {
  if (!live) return fillFromOrigin(PATH, query);
  // The generation at the start: what changes while we ask must not find our page.
  const key = pageKey(prefix, generation, query);
  const [redis] = connect();
  if (redis === undefined) return fillFromOrigin(PATH, query);
  const [stored, readError] = redis.get(key);
  if (readError !== undefined) {
    redis.close();
    return fillFromOrigin(PATH, query);
  }
  const body = textOf(stored);
  if (body !== undefined) {
    release(redis);
    return { page: okPage(body), problem: undefined, fromRedis: true };
  }
  const filled = fillFromOrigin(PATH, query);
  const page = filled.page;
  if (page !== undefined && page.status === 200) {
    const [written] = redis.set(key, page.body, "EX", REDIS_TTL_SECONDS);
    if (written === undefined) {
      redis.close();
      return filled;
    }
  }
  release(redis);
  return filled;
}

function keepList(this: void, query: string, filled: Filled): void {
  const page = filled.page;
  if (page !== undefined && page.status === 200) putInto(pages, query, page);
}
