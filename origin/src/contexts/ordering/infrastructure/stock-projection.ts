import { productKey } from "@sluice/contract/keys.ts";
import type { StockPart } from "@sluice/contract/product-page.ts";
import { stockProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";
import { stockDocument } from "../application/stock-document.ts";

/** What the relay carries of stock: the counts, as ordering's part of the product page. */
export const stockTable = projectedTable({
  table: "stock",
  primaryKey: "product_id",
  columns: ["product_id", "version", "total", "available", "reserved", "sold"],
  revision: 1,
  keys: productKey("", "*"),
  projections: (row) => {
    const part: StockPart = {
      total: Number(row.total),
      available: Number(row.available),
      reserved: Number(row.reserved),
      sold: Number(row.sold),
    };
    return [
      stockProjection({
        id: String(row.product_id),
        version: String(row.version),
        document: stockDocument(part),
      }),
    ];
  },
});
