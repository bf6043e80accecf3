import { formatInstant } from "./policy/instant.ts";

/**
 * The first page of who likes a product, `GET /products/:id/likes`. Edge and origin both put it together, the edge from
 * Redis only, so it is made here, as text, the same to the byte.
 */

/** The page that is asked for without a limit. */
export const LIKES_PAGE_LIMIT_DEFAULT = 20;
export const LIKES_PAGE_LIMIT_MAX = 100;

/** The table of records: its fill must be complete before the sorted sets can be believed. */
export const LIKES_TABLE = "likes";

/** Likers that Redis keeps for each product; older ones are in the database only. */
export const LIKERS_KEPT_MAX = 1_000;

/** Digits of a user id in a sorted set: members of one score are then in the order of the numbers. */
const MEMBER_DIGITS = 16;

/** One who likes the product. `userId` is decimal. */
export interface Liker {
  userId: string;
  likedAtMs: number;
}

/** `found` is one more than the page has, if there are more. */
export function composeLikesPage(count: number, found: readonly Liker[], limit: number): string {
  let items = "";
  const shown = Math.min(found.length, limit);
  for (let i = 0; i < shown; i++) {
    const { userId, likedAtMs } = found[i] as Liker;
    const separator = i === 0 ? "" : ",";
    items += `${separator}{"userId":${userId},"likedAt":"${formatInstant(likedAtMs)}"}`;
  }
  const last = found[shown - 1];
  const next = found.length > limit && last !== undefined ? `"${likesCursor(last)}"` : "null";
  return `{"count":${wholeText(count)},"items":[${items}],"nextCursor":${next}}`;
}

/** Where a page ends: behind this one. */
export function likesCursor({ userId, likedAtMs }: Liker): string {
  return `${wholeText(likedAtMs)}-${userId}`;
}

export function memberOf(userId: string): string {
  let member = userId;
  while (member.length < MEMBER_DIGITS) member = `0${member}`;
  return member;
}

export function userIdOf(member: string): string {
  let at = 0;
  while (at < member.length - 1 && member.substring(at, at + 1) === "0") at += 1;
  return member.substring(at);
}

/** Of a whole number up to 2^53. Lua would write large ones with an exponent. */
function wholeText(value: number): string {
  const high = Math.floor(value / 1_000_000);
  if (high === 0) return `${value}`;
  let low = `${value - high * 1_000_000}`;
  while (low.length < 6) low = `0${low}`;
  return `${high}${low}`;
}
