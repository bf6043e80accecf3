import { type SaleDocument, type SaleStatus, salesKey } from "@sluice/contract/sale.ts";
import { fromSqlTime } from "../../../platform/mysql/time.ts";
import { saleProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";
import { salePage } from "../application/sale-page.ts";

/** What the relay carries of a sale: all that the gate at the edge goes by, its key for challenges among it. */
export const salesTable = projectedTable({
  table: "sales",
  primaryKey: "id",
  columns: [
    "id",
    "product_id",
    "price_cents",
    "currency",
    "total",
    "per_user_max",
    "per_second",
    "buy_rate",
    "countries",
    "starts_at",
    "ends_at",
    "status",
    "challenge_key",
    "token_public",
    "version",
  ],
  revision: 1,
  keys: salesKey(""),
  projections: (row) => {
    const document: SaleDocument = {
      id: Number(row.id),
      version: Number(row.version),
      productId: Number(row.product_id),
      priceCents: Number(row.price_cents),
      currency: String(row.currency),
      total: Number(row.total),
      perUserMax: Number(row.per_user_max),
      perSecond: Number(row.per_second),
      buyRate: Number(row.buy_rate),
      countries: row.countries === "" ? [] : String(row.countries).split(" "),
      startsAtMs: fromSqlTime(String(row.starts_at)),
      endsAtMs: fromSqlTime(String(row.ends_at)),
      status: row.status as SaleStatus,
      challengeKey: String(row.challenge_key),
      page: "",
    };
    document.page = salePage(document, String(row.token_public));
    // Insert and first version are one transaction: the row as it was inserted is nobody's business.
    return document.version === 0 ? [] : [saleProjection(document)];
  },
});
