import type { Audit } from "../../../platform/audit.ts";

export const catalogAudits: readonly Audit[] = [
  {
    name: "products: whatever was on sale has stock",
    sql: `SELECT p.id AS product_id, p.status FROM products p
          LEFT JOIN stock s ON s.product_id = p.id
          WHERE p.status <> 'draft' AND s.product_id IS NULL`,
  },
];
