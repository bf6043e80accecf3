import { likesKey } from "@sluice/contract/keys.ts";
import { LIKES_TABLE } from "@sluice/contract/likes.ts";
import { likeProjection, likesProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";

/** Who likes a product and who did: the newest of them, ranked by time. */
export const likesTable = projectedTable({
  table: LIKES_TABLE,
  primaryKey: "id",
  columns: ["id", "product_id", "user_id", "liked", "acted_at_ms"],
  revision: 1,
  keys: likesKey("", "*"),
  projections: (row) => [
    likeProjection({
      productId: String(row.product_id),
      userId: String(row.user_id),
      liked: Number(row.liked) === 1,
      actedAtMs: String(row.acted_at_ms),
    }),
  ],
});

/** How many like a product. */
export const likeCountsTable = projectedTable({
  table: "like_counts",
  primaryKey: "product_id",
  columns: ["product_id", "likes", "version"],
  revision: 1,
  keys: likesKey("", "*"),
  projections: (row) => [
    likesProjection({
      id: String(row.product_id),
      version: String(row.version),
      document: JSON.stringify({ likes: Number(row.likes) }),
    }),
  ],
});
