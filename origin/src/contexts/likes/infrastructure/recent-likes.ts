import { FIELD_DOCUMENT, FIELD_FLOOR, fillsKey, likersKey, likesKey } from "@sluice/contract/keys.ts";
import { LIKES_TABLE, memberOf, userIdOf } from "@sluice/contract/likes.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import type { Behind, RecentLikes } from "../application/ports.ts";

/** A Redis that is away, slow, or being filled, is one that has nothing. */
export function recentLikesIn(redis: RedisStore): RecentLikes {
  return {
    count: (productId) => orNothing(redis, () => readCount(redis, productId)),
    likers: (productId, behind, max) => orNothing(redis, () => readLikers(redis, productId, behind, max)),
  };
}

async function orNothing<T>(redis: RedisStore, read: () => Promise<T | undefined>): Promise<T | undefined> {
  if (!redis.isUp()) return undefined;
  try {
    return await read();
  } catch {
    // The database has the same; what ails Redis is told by its client.
    return undefined;
  }
}

async function readCount({ client, prefix }: RedisStore, productId: number): Promise<number | undefined> {
  const document = await client.hget(likesKey(prefix, String(productId)), FIELD_DOCUMENT);
  return document === null ? undefined : (JSON.parse(document) as { likes: number }).likes;
}

async function readLikers({ client, prefix }: RedisStore, productId: number, behind: Behind, max: number) {
  const id = String(productId);
  const key = likersKey(prefix, id);
  const from = behind === undefined ? "+inf" : String(behind.atMs);
  // Of the cursor's own millisecond some were on the page before: they are read again and left out.
  const again = behind === undefined ? 0 : await client.zcount(key, behind.atMs, behind.atMs);
  const [fills, floor, found] = await Promise.all([
    client.get(fillsKey(prefix)),
    client.hget(likesKey(prefix, id), FIELD_FLOOR),
    client.zrevrangebyscore(key, from, "-inf", "WITHSCORES", "LIMIT", 0, max + again),
  ]);
  if (fills === null || !isFilled(fills)) return undefined;
  const likers = pairsOf(found)
    .map(([member, score]) => ({ userId: userIdOf(member), likedAtMs: Number(score) }))
    .filter(({ userId, likedAtMs }) => isBehind(likedAtMs, userId, behind))
    .slice(0, max);
  // With a floor there are more below it, and only a full page has none of them.
  return floor === null || likers.length === max ? likers : undefined;
}

function isBehind(atMs: number, userId: string, behind: Behind): boolean {
  if (behind === undefined || atMs < behind.atMs) return true;
  return atMs === behind.atMs && memberOf(userId) < memberOf(String(behind.id));
}

function isFilled(fills: string): boolean {
  const fill = (JSON.parse(fills) as Record<string, { after?: unknown } | undefined>)[LIKES_TABLE];
  return fill !== undefined && fill.after === undefined;
}

function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
  return pairs;
}
