import { ROUTE_NOT_FOUND } from "@sluice/contract/error-codes.ts";
import { FIELD_DOCUMENT, FIELD_FLOOR, fillsKey, likersKey, likesKey } from "@sluice/contract/keys.ts";
import {
  composeLikesPage,
  LIKES_PAGE_LIMIT_DEFAULT,
  LIKES_TABLE,
  type Liker,
  userIdOf,
} from "@sluice/contract/likes.ts";
import { decode } from "cjson.safe";
import { connect, release, textOf } from "../platform/redis.ts";
import { hasQuery, requestPath, requestQuery } from "../platform/request.ts";
import { answerProblem } from "../platform/response.ts";
import { answerFilled, fillFromOrigin, type Page } from "./page.ts";
import {
  createPathPages,
  forgetAll,
  forgetPath,
  heldAt,
  isNever,
  isProductId,
  servePath,
} from "./path-pages.ts";

/**
 * `GET /products/:id/likes`: how many like a product, and the newest of them. The page that is asked for without a
 * query is kept; all others are the origin's.
 */
export const likes = createPathPages(2_000, readPage, idIn);

const PATH_PREFIX = "/products/";
const PATH_SUFFIX = "/likes";

let prefix = "";

export function configureLikes(redisPrefix: string): void {
  prefix = redisPrefix;
}

/** @hot */
export function heldLikes(path: string, atMs: number): Page | undefined {
  return hasQuery() ? undefined : heldAt(likes, path, atMs);
}

/** Whether the path names a product that has never been. */
export function hasNoProduct(path: string, atMs: number): boolean {
  return isNever(idIn(path), atMs);
}

/** @phase content */
export function serveLikes(): void {
  const path = requestPath();
  const id = idIn(path);
  if (!isProductId(id)) answerProblem(ROUTE_NOT_FOUND);
  else if (hasQuery()) answerFilled(fillFromOrigin(path, requestQuery()), undefined);
  else servePath(likes, path, id);
}

/** The change stream said that somebody else likes it now, or not any more. */
export function forgetLikes(id: string): void {
  forgetPath(likes, PATH_PREFIX + id + PATH_SUFFIX, id);
}

export function forgetAllLikes(): void {
  forgetAll(likes);
}

function idIn(this: void, path: string): string {
  return path.substring(PATH_PREFIX.length, path.length - PATH_SUFFIX.length);
}

function readPage(this: void, id: string): string | undefined {
  const [redis] = connect();
  if (redis === undefined) return undefined;
  redis.init_pipeline(3);
  redis.get(fillsKey(prefix));
  redis.hmget(likesKey(prefix, id), FIELD_DOCUMENT, FIELD_FLOOR);
  redis.zrange(likersKey(prefix, id), 0, LIKES_PAGE_LIMIT_DEFAULT, "REV", "WITHSCORES");
  const [replies] = redis.commit_pipeline();
  if (replies === undefined) {
    redis.close();
    return undefined;
  }
  release(redis);
  const [fills, entry, ranked] = replies as [unknown, unknown[], string[]];
  if (!isFilled(textOf(fills))) return undefined;
  const likers: Liker[] = [];
  for (let i = 0; i + 1 < ranked.length; i += 2) {
    likers.push({ userId: userIdOf(ranked[i] as string), likedAtMs: tonumber(ranked[i + 1]) as number });
  }
  // With a floor there are more below it, which only the database has.
  if (textOf(entry[1]) !== undefined && likers.length <= LIKES_PAGE_LIMIT_DEFAULT) return undefined;
  const count = countIn(textOf(entry[0]));
  return count === undefined ? undefined : composeLikesPage(count, likers, LIKES_PAGE_LIMIT_DEFAULT);
}

function countIn(document: string | undefined): number | undefined {
  if (document === undefined) return undefined;
  const [parsed] = decode(document);
  return (parsed as { likes: number } | undefined)?.likes;
}

/** While the records are being read into Redis, some are missing there. */
function isFilled(fills: string | undefined): boolean {
  if (fills === undefined) return false;
  const [parsed] = decode(fills);
  const fill = (parsed as Record<string, { after?: unknown } | undefined> | undefined)?.[LIKES_TABLE];
  return fill !== undefined && fill.after === undefined;
}
