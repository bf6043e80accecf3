import { ROUTE_NOT_FOUND } from "@sluice/contract/error-codes.ts";
import { FIELD_DOCUMENT, PART_PRODUCT, PART_STOCK, productKey } from "@sluice/contract/keys.ts";
import { composeProductPage } from "@sluice/contract/product-page.ts";
import { connect, release, textOf } from "../platform/redis.ts";
import { requestPath } from "../platform/request.ts";
import { answerProblem } from "../platform/response.ts";
import type { Page } from "./page.ts";
import {
  createPathPages,
  forgetAll,
  forgetPath,
  heldAt,
  isNever,
  isProductId,
  servePath,
} from "./path-pages.ts";

/** `GET /products/:id`, of the two parts that Redis has of each product. */
export const products = createPathPages(5_000, readParts, idIn);

const PATH_PREFIX = "/products/";
const FIELD_PRODUCT = PART_PRODUCT + FIELD_DOCUMENT;
const FIELD_STOCK = PART_STOCK + FIELD_DOCUMENT;

let prefix = "";

export function configureProducts(redisPrefix: string): void {
  prefix = redisPrefix;
}

/** @hot */
export function heldProduct(path: string, atMs: number): Page | undefined {
  return heldAt(products, path, atMs);
}

/** Whether the path names a product that has never been. */
export function isNoProduct(path: string, atMs: number): boolean {
  return isNever(idIn(path), atMs);
}

/** @phase content */
export function serveProduct(): void {
  const path = requestPath();
  const id = idIn(path);
  if (isProductId(id)) servePath(products, path, id);
  else answerProblem(ROUTE_NOT_FOUND);
}

/** The change stream said that a part of the page is another now. */
export function forgetProduct(id: string): void {
  forgetPath(products, PATH_PREFIX + id, id);
}

export function forgetAllProducts(): void {
  forgetAll(products);
}

function idIn(this: void, path: string): string {
  return path.substring(PATH_PREFIX.length);
}

function readParts(this: void, id: string): string | undefined {
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
