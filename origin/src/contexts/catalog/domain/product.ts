import type { ProductPart } from "@sluice/contract/product-page.ts";
import type { Cents, Currency } from "../../../kernel/money.ts";

/**
 *     draft ──stock opened──▶ active ◀──▶ retired
 *
 * A draft has no stock yet and is seen by nobody; a retired product can't be seen or ordered any more, and
 * the orders that name it stay as they are.
 */
export type ProductStatus = "draft" | "active" | "retired";

export interface Product {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly priceCents: Cents;
  readonly currency: Currency;
  readonly status: ProductStatus;
}

/** What an operator says of a new product. */
export type NewProduct = Pick<Product, "name" | "description" | "priceCents" | "currency">;

/** What an operator may change. The currency stays: orders and statistics would mix them. */
export interface ProductChange {
  readonly name?: string;
  readonly description?: string;
  readonly priceCents?: Cents;
  readonly status?: "active" | "retired";
}

/** The catalog's part of a product page, as text: the keys in the order of the contract. */
export function productDocument({ id, name, description, priceCents, currency }: ProductPart): string {
  return JSON.stringify({ id, name, description, priceCents, currency } satisfies ProductPart);
}
