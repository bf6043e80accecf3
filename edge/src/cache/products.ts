import { ROUTE_NOT_FOUND } from "@sluice/contract/error-codes.ts";
import { FIELD_DOCUMENT, PART_PRODUCT, PART_STOCK, productKey } from "@sluice/contract/keys.ts";
import { composeProductPage } from "@sluice/contract/product-page.ts";
import { isLive } from "../changes/liveness.ts";
import {
  clearMap,
  createGenerationalMap,
  deleteFrom,
  getFrom,
  putInto,
} from "../platform/generational-map.ts";
import { connect, release, textOf } from "../platform/redis.ts";
import { requestPath } from "../platform/request.ts";
import { answerProblem } from "../platform/response.ts";
import { answerFilled, answerHeld, type Filled, fillFromOrigin, isFresh, okPage, type Page } from "./page.ts";
import { createFlights, fillOnce, spoil, spoilAll } from "./single-flight.ts";

/**
 * `GET /products/:id`: this worker's memory, then the parts in Redis, then the origin. While the change stream is
 * followed a page stays until a change names it, a 404 as well; see `page.ts` for other times.
 */
const pages = createGenerationalMap<Page>(5_000);
const flights = createFlights();

const PATH_PREFIX = "/products/";
/** A BIGINT has no more digits. */
const ID_DIGITS_MAX = 19;
const FIELD_PRODUCT = PART_PRODUCT + FIELD_DOCUMENT;
const FIELD_STOCK = PART_STOCK + FIELD_DOCUMENT;

let prefix = "";

export function configureProducts(redisPrefix: string): void {
  prefix = redisPrefix;
}

/** @phase content */
export function serveProduct(): void {
  const id = requestPath().substring(PATH_PREFIX.length);
  const live = isLive();
  const held = getFrom(pages, id);
  if (held !== undefined && isFresh(held, live)) {
    answerHeld(held);
    return;
  }
  // One product has one name: no other spelling of its id may cost the origin anything.
  if (!isProductId(id)) {
    answerProblem(ROUTE_NOT_FOUND);
    return;
  }
  answerFilled(fillOnce(flights, id, fillProduct, live, keepProduct), held);
}

/** The change stream said that a part of the page is another now. */
export function forgetProduct(id: string): void {
  deleteFrom(pages, id);
  spoil(flights, id);
}

/** Changes may have been missed. */
export function forgetAllProducts(): void {
  clearMap(pages);
  spoilAll(flights);
}

function fillProduct(this: void, id: string, live: boolean): Filled {
  // Without the stream Redis is probably gone, and nothing of it could be kept for long.
  const body = live ? readParts(id) : undefined;
  if (body !== undefined) return { page: okPage(body), problem: undefined, fromRedis: true };
  return fillFromOrigin(PATH_PREFIX + id, undefined);
}

function keepProduct(this: void, id: string, filled: Filled): void {
  const page = filled.page;
  if (page !== undefined && (page.status === 200 || page.status === 404)) putInto(pages, id, page);
}

function readParts(id: string): string | undefined {
  const [redis] = connect();
  if (redis === undefined) return undefined;
  const [parts] = redis.hmget(productKey(prefix, id), FIELD_PRODUCT, FIELD_STOCK);
  if (!parts) {
    redis.close();
    return undefined;
  }
  release(redis);
  const product = textOf(parts[0]);
  const stock = textOf(parts[1]);
  return product === undefined || stock === undefined ? undefined : composeProductPage(product, stock);
}

/** Decimal as the service itself writes ids. */
function isProductId(text: string): boolean {
  if (text.length === 0 || text.length > ID_DIGITS_MAX) return false;
  for (let i = 1; i <= text.length; i++) {
    const character = string.byte(text, i) as number;
    if (character < 48 || character > 57 || (i === 1 && character === 48)) return false;
  }
  return true;
}
