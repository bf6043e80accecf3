import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { groupCommit } from "../../../kernel/group-commit.ts";
import { catalogErrors } from "../../catalog/public.ts";
import type { LikeAction } from "../domain/like.ts";
import { likeLimits } from "./limits.ts";
import type { Acted, LikedProducts, Likes } from "./ports.ts";

export type ActOnProduct = (action: {
  readonly productId: number;
  readonly userId: number;
  readonly liked: boolean;
  /** The client's time; ours without it. */
  readonly atMs: number | undefined;
}) => Promise<Acted>;

/**
 * Likes a product, or takes that back. Doing it again changes nothing. Crowds on one product share transactions: each
 * holds the row of its count, and one commit after the other is all that such a row can take.
 */
export function createLikeProduct(deps: {
  likes: Likes;
  products: LikedProducts;
  clock: Clock;
}): ActOnProduct {
  const { likes, products, clock } = deps;
  const act = groupCommit<LikeAction, Acted>((batch) => likes.act(batch), likeLimits.together);
  return async ({ atMs, ...action }) => {
    // What is no longer sold can't be liked any more; whoever liked it may still take it back.
    if (action.liked && !(await products.isActive(action.productId))) {
      throw new Refusal(catalogErrors.productNotFound);
    }
    const nowMs = clock();
    // A clock that is ahead must not make an action one that nothing can follow.
    return act({ ...action, atMs: Math.min(atMs ?? nowMs, nowMs) });
  };
}
