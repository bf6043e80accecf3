import type { Database } from "../../../platform/mysql/database.ts";
import type { SaleBook } from "../application/ports.ts";
import { salesIn, salesOf } from "./sales.ts";
import { ticketsIn, ticketsOf } from "./tickets.ts";

export function saleBookIn(database: Database): SaleBook {
  return {
    transaction: (work) =>
      database.transaction((tx) => work({ shared: tx, ...salesIn(tx), ...ticketsIn(tx) })),
    ...salesOf(database),
    ...ticketsOf(database),
  };
}
