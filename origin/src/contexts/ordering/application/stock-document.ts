import type { StockPart } from "@sluice/contract/product-page.ts";

/** Ordering's part of a product page, as text: the keys in the order of the contract, from wherever it comes. */
export function stockDocument({ total, available, reserved, sold }: StockPart): string {
  return JSON.stringify({ total, available, reserved, sold } satisfies StockPart);
}
