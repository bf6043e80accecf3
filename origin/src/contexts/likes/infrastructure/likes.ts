import type { Liker } from "@sluice/contract/likes.ts";
import type { Database, SqlValue, Transaction } from "../../../platform/mysql/database.ts";
import type { Acted, Behind, Likes } from "../application/ports.ts";
import { after, type LikeAction, type LikeState } from "../domain/like.ts";

export function likesIn(database: Database): Likes {
  return {
    act: (actions) => database.transaction((tx) => actIn(tx, actions)),
    count: async (productId) => {
      const [row] = await database.query<{ likes: number }>(
        "SELECT likes FROM like_counts WHERE product_id = ?",
        [productId],
      );
      return row?.likes;
    },
    likers: async (productId, behind, max) => {
      const [condition, values] = pageBehind("user_id", behind);
      const rows = await database.query<{ user_id: number; acted_at_ms: number }>(
        `SELECT user_id, acted_at_ms FROM likes WHERE product_id = ? AND liked = 1 ${condition}
         ORDER BY acted_at_ms DESC, user_id DESC LIMIT ?`,
        [productId, ...values, max],
      );
      return rows.map((row): Liker => ({ userId: String(row.user_id), likedAtMs: row.acted_at_ms }));
    },
    likedBy: async (userId, behind, max) => {
      const [condition, values] = pageBehind("product_id", behind);
      const rows = await database.query<{ product_id: number; acted_at_ms: number }>(
        `SELECT product_id, acted_at_ms FROM likes WHERE user_id = ? AND liked = 1 ${condition}
         ORDER BY acted_at_ms DESC, product_id DESC LIMIT ?`,
        [userId, ...values, max],
      );
      return rows.map((row) => ({ productId: row.product_id, likedAtMs: row.acted_at_ms }));
    },
  };
}

function pageBehind(column: string, behind: Behind): [string, SqlValue[]] {
  if (behind === undefined) return ["", []];
  return [
    `AND (acted_at_ms < ? OR (acted_at_ms = ? AND ${column} < ?))`,
    [behind.atMs, behind.atMs, behind.id],
  ];
}

/** The counts are locked first, in the order of products: all that follows has nobody else beside it. */
async function actIn(tx: Transaction, actions: readonly LikeAction[]): Promise<Acted[]> {
  const products = [...new Set(actions.map(({ productId }) => productId))].sort((a, b) => a - b);
  const counts = await lockCounts(tx, products);
  const states = await readStates(tx, actions);
  const changed = new Map<string, LikeAction & LikeState>();
  const deltas = new Map<number, number>();
  const acted = actions.map((action) => {
    const { productId } = action;
    const key = keyOf(action);
    const held = states.get(key);
    const state = after(held, action);
    if (state !== held) {
      states.set(key, state);
      changed.set(key, { ...action, ...state });
      const delta = Number(state.liked) - Number(held?.liked ?? false);
      deltas.set(productId, (deltas.get(productId) ?? 0) + delta);
    }
    const likes = (counts.get(productId) ?? 0) + (deltas.get(productId) ?? 0);
    return { liked: state.liked, likes };
  });
  await write(tx, [...changed.values()]);
  for (const productId of products) await count(tx, productId, deltas.get(productId) ?? 0);
  return acted;
}

async function lockCounts(tx: Transaction, products: readonly number[]): Promise<Map<number, number>> {
  const lock = async () => {
    const rows = await tx.query<{ product_id: number; likes: number }>(
      "SELECT product_id, likes FROM like_counts WHERE product_id IN (?) ORDER BY product_id FOR UPDATE",
      [products],
    );
    return new Map(rows.map((row) => [row.product_id, row.likes]));
  };
  const found = await lock();
  const missing = products.filter((productId) => !found.has(productId));
  if (missing.length === 0) return found;
  await tx.execute("INSERT IGNORE INTO like_counts (product_id, likes) VALUES ?", [
    missing.map((productId) => [productId, 0]),
  ]);
  return lock();
}

async function readStates(tx: Transaction, actions: readonly LikeAction[]): Promise<Map<string, LikeState>> {
  const rows = await tx.query<{ product_id: number; user_id: number; liked: number; acted_at_ms: number }>(
    "SELECT product_id, user_id, liked, acted_at_ms FROM likes WHERE (product_id, user_id) IN (?)",
    [actions.map(({ productId, userId }) => [productId, userId])],
  );
  return new Map(
    rows.map((row) => [
      keyOf({ productId: row.product_id, userId: row.user_id }),
      { liked: row.liked === 1, actedAtMs: row.acted_at_ms },
    ]),
  );
}

async function write(tx: Transaction, rows: readonly (LikeAction & LikeState)[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.execute(
    `INSERT INTO likes (product_id, user_id, liked, acted_at_ms) VALUES ?
     ON DUPLICATE KEY UPDATE liked = VALUES(liked), acted_at_ms = VALUES(acted_at_ms)`,
    [rows.map(({ productId, userId, liked, actedAtMs }) => [productId, userId, Number(liked), actedAtMs])],
  );
}

async function count(tx: Transaction, productId: number, delta: number): Promise<void> {
  if (delta === 0) return;
  await tx.execute("UPDATE like_counts SET likes = likes + ?, version = version + 1 WHERE product_id = ?", [
    delta,
    productId,
  ]);
}

function keyOf({ productId, userId }: Pick<LikeAction, "productId" | "userId">): string {
  return `${productId} ${userId}`;
}
