/** What a user did to a product, and when by the client's clock (Unix time, ms). */
export interface LikeAction {
  readonly productId: number;
  readonly userId: number;
  readonly liked: boolean;
  readonly atMs: number;
}

/** What holds between a user and a product. */
export interface LikeState {
  readonly liked: boolean;
  readonly actedAtMs: number;
}

/**
 * The last action by the client's time wins, in whatever order they arrive; of two at the same time, the one that
 * came later. `actedAtMs` grows with every change, so that it can stand for the row's version.
 */
export function after(held: LikeState | undefined, { liked, atMs }: LikeAction): LikeState {
  if (held === undefined) return { liked, actedAtMs: atMs };
  if (atMs < held.actedAtMs) return held;
  if (liked === held.liked) return atMs === held.actedAtMs ? held : { liked, actedAtMs: atMs };
  return { liked, actedAtMs: Math.max(atMs, held.actedAtMs + 1) };
}
