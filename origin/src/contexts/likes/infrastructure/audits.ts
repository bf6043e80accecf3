import type { Audit } from "../../../platform/audit.ts";

export const likesAudits: readonly Audit[] = [
  {
    name: "likes: each count is the number of its rows",
    sql: `SELECT c.product_id, c.likes AS counted, COALESCE(SUM(l.liked), 0) AS recorded
          FROM like_counts c LEFT JOIN likes l ON l.product_id = c.product_id
          GROUP BY c.product_id, c.likes HAVING counted <> recorded`,
  },
  {
    name: "likes: whatever is liked is counted",
    sql: `SELECT l.product_id, l.user_id FROM likes l
          LEFT JOIN like_counts c ON c.product_id = l.product_id
          WHERE c.product_id IS NULL`,
  },
];
