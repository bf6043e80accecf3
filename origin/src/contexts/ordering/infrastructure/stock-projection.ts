import type { StockPart } from "@sluice/contract/product-page.ts";
import { stockProjection } from "../../../platform/redis/project.ts";
import type { ProjectedTable } from "../../../platform/redis/projected-table.ts";
import { stockDocument } from "../application/stock-document.ts";

/** What the relay carries of stock: the counts, as ordering's part of the product page. */
export const stockTable: ProjectedTable = {
  table: "stock",
  primaryKey: "product_id",
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
};
