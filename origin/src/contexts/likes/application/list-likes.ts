import { composeLikesPage, likesCursor } from "@sluice/contract/likes.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { catalogErrors } from "../../catalog/public.ts";
import { likesErrors } from "../errors.ts";
import type { Behind, LikedProducts, Likes, RecentLikes } from "./ports.ts";

export interface LikesReading {
  readonly likes: Likes;
  readonly recent: RecentLikes;
  readonly products: LikedProducts;
}

/**
 * Who likes a product, newest first, as JSON text: `{"count":…,"items":[…],"nextCursor":…}`. A page comes from Redis
 * as long as Redis holds all of it, else from the database. A cursor says behind whom to go on, in an order that both
 * have, so pages of both join without gap or duplicate.
 */
export async function listLikers(
  { likes, recent, products }: LikesReading,
  productId: number,
  cursor: string | undefined,
  limit: number,
): Promise<string> {
  const behind = readCursor(cursor);
  const count = (await recent.count(productId)) ?? (await likes.count(productId));
  if (count === undefined) {
    if (!(await products.isActive(productId))) throw new Refusal(catalogErrors.productNotFound);
    return composeLikesPage(0, [], limit);
  }
  const found =
    (await recent.likers(productId, behind, limit + 1)) ?? (await likes.likers(productId, behind, limit + 1));
  return composeLikesPage(count, found, limit);
}

export interface LikedPage {
  items: { productId: number; likedAt: string }[];
  nextCursor: string | null;
}

/** What a user likes, newest first. */
export async function listLiked(
  likes: Likes,
  userId: number,
  cursor: string | undefined,
  limit: number,
): Promise<LikedPage> {
  const found = await likes.likedBy(userId, readCursor(cursor), limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    found.length > limit && last !== undefined
      ? likesCursor({ userId: String(last.productId), likedAtMs: last.likedAtMs })
      : null;
  return {
    items: items.map(({ productId, likedAtMs }) => ({
      productId,
      likedAt: new Date(likedAtMs).toISOString(),
    })),
    nextCursor,
  };
}

function readCursor(cursor: string | undefined): Behind {
  if (cursor === undefined) return undefined;
  const [, atMs, id] = /^(\d{1,15})-(\d{1,16})$/.exec(cursor) ?? [];
  if (atMs === undefined || id === undefined || !Number.isSafeInteger(Number(id))) {
    throw new Refusal(likesErrors.cursorInvalid);
  }
  return { atMs: Number(atMs), id: Number(id) };
}
