/**
 * A product page is two documents with versions of their own: what the catalog says of the product and what
 * ordering says of its stock. They are joined as text, by this function in every runtime, so that an answer
 * from a worker's memory, from Redis and from the origin is the same to the byte.
 *
 * @example composeProductPage('{"id":1,"name":"Tea"}', '{"available":3}')
 *          // {"id":1,"name":"Tea","stock":{"available":3}}
 */
export function composeProductPage(product: string, stock: string): string {
  return `${product.substring(0, product.length - 1)},"stock":${stock}}`;
}

/** What the catalog projects of a product, in this order of keys. */
export interface ProductPart {
  id: number;
  name: string;
  description: string;
  priceCents: number;
  /** ISO 4217. */
  currency: string;
}

/** What ordering projects of a product's stock, in this order of keys. */
export interface StockPart {
  total: number;
  available: number;
  reserved: number;
  sold: number;
}

/** Page sizes of `GET /products`. */
export const PRODUCT_PAGE_LIMIT_DEFAULT = 20;
export const PRODUCT_PAGE_LIMIT_MAX = 100;
