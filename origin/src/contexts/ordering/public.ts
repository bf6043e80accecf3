/** What other contexts may know of ordering. */
export type { StockOf } from "./application/stock-of.ts";
export { orderingErrors } from "./errors.ts";
