import { type Cents, type Currency, multiplyCents, sumCents } from "../../../kernel/money.ts";
import type { OrderStatus } from "./order-state.ts";

/** What a customer asks for. */
export interface RequestedLine {
  readonly productId: number;
  readonly quantity: number;
}

/** A line of an order, with the price of the moment at which the order was placed. */
export interface OrderLine extends RequestedLine {
  readonly unitPriceCents: Cents;
}

export interface Order {
  readonly id: string;
  readonly userId: number;
  readonly status: OrderStatus;
  readonly totalCents: Cents;
  readonly currency: Currency;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** In the order of product ids: the order in which stock rows are locked. */
  readonly lines: readonly OrderLine[];
  /** Its pieces come from there; without it, from the product's own stock. */
  readonly allotmentId?: number | undefined;
}

export interface Price {
  readonly priceCents: Cents;
  readonly currency: Currency;
}

export type Priced =
  | { readonly outcome: "priced"; readonly lines: OrderLine[]; totalCents: Cents; currency: Currency }
  | { readonly outcome: "product-unknown"; readonly productIds: readonly number[] }
  | { readonly outcome: "currency-mixed"; readonly currencies: readonly Currency[] }
  | { readonly outcome: "quantity-too-large"; readonly productId: number; readonly quantity: number };

/**
 * Sums duplicate lines and sorts by product id. Summing comes before any check of stock: two lines of three
 * pieces are one wish for six. Sorting gives every order the same order of locks.
 */
export function mergeLines(lines: readonly RequestedLine[]): RequestedLine[] {
  const quantities = new Map<number, number>();
  for (const { productId, quantity } of lines) {
    quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  }
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => a.productId - b.productId);
}

/** Prices merged lines. `prices` holds what is on sale now, `quantityMax` bounds the pieces of one product. */
export function priceLines(
  lines: readonly RequestedLine[],
  prices: ReadonlyMap<number, Price>,
  quantityMax: number,
): Priced {
  const priced: OrderLine[] = [];
  const unknown: number[] = [];
  const currencies = new Set<Currency>();
  for (const { productId, quantity } of lines) {
    const price = prices.get(productId);
    if (quantity > quantityMax) return { outcome: "quantity-too-large", productId, quantity };
    if (price === undefined) {
      unknown.push(productId);
      continue;
    }
    currencies.add(price.currency);
    priced.push({ productId, quantity, unitPriceCents: price.priceCents });
  }
  const [currency, ...others] = currencies;
  if (unknown.length > 0 || currency === undefined) {
    return { outcome: "product-unknown", productIds: unknown };
  }
  if (others.length > 0) return { outcome: "currency-mixed", currencies: [...currencies] };
  const totalCents = sumCents(priced.map((line) => multiplyCents(line.unitPriceCents, line.quantity)));
  return { outcome: "priced", lines: priced, totalCents, currency };
}
