import type { Liker } from "@sluice/contract/likes.ts";
import type { LikeAction } from "../domain/like.ts";

/** What became of an action, and how many like the product now. */
export interface Acted {
  readonly liked: boolean;
  readonly likes: number;
}

/** Behind the last one of the page before; undefined for the first page. */
export type Behind = { readonly atMs: number; readonly id: number } | undefined;

export interface Likes {
  /** Applies them in one transaction, in their order; tells what became of each. */
  act(actions: readonly LikeAction[]): Promise<Acted[]>;
  /** Undefined when nobody has ever liked it. */
  count(productId: number): Promise<number | undefined>;
  /** Newest first. */
  likers(productId: number, behind: Behind, max: number): Promise<Liker[]>;
  /** What the user likes, newest first. */
  likedBy(userId: number, behind: Behind, max: number): Promise<{ productId: number; likedAtMs: number }[]>;
}

/** What is ready in Redis. Undefined for whatever is not there, or not complete. */
export interface RecentLikes {
  likers(productId: number, behind: Behind, max: number): Promise<Liker[] | undefined>;
  count(productId: number): Promise<number | undefined>;
}

export interface LikedProducts {
  isActive(productId: number): Promise<boolean>;
}
