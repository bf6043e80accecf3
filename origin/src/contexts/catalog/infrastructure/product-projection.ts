import { PRODUCTS_FILTER, productKey } from "@sluice/contract/keys.ts";
import { productProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";
import { productDocument } from "../domain/product.ts";

/** What the relay carries of products: the page's part while one is active, a tombstone otherwise. */
export const productsTable = projectedTable({
  table: "products",
  primaryKey: "id",
  columns: ["id", "version", "status", "name", "description", "price_cents", "currency"],
  revision: 1,
  keys: productKey("", "*"),
  filter: PRODUCTS_FILTER,
  projections: (row) => [
    productProjection({
      id: String(row.id),
      version: String(row.version),
      document:
        row.status === "active"
          ? productDocument({
              id: Number(row.id),
              name: String(row.name),
              description: String(row.description),
              priceCents: Number(row.price_cents),
              currency: String(row.currency),
            })
          : undefined,
    }),
  ],
});
