/** What other contexts may know of ordering. */
export type {
  Allotments,
  PlacedFromAllotment,
  SharedTransaction,
  WantedAllotment,
  WantedOrder,
} from "./application/allotments.ts";
export type { StockOf } from "./application/stock-of.ts";
export { orderingErrors } from "./errors.ts";
