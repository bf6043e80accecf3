import { composeProductPage } from "@sluice/contract/product-page.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { StockOf } from "../../ordering/public.ts";
import { productDocument } from "../domain/product.ts";
import { catalogErrors } from "../errors.ts";
import type { Products } from "./ports.ts";

/**
 * A page of the list, as JSON text: `{"items":[…],"nextCursor":…}`. Without stock, which changes with every
 * order; so a cached list stays good until a product itself changes.
 */
export async function listProducts(
  products: Products,
  cursor: string | undefined,
  limit: number,
): Promise<string> {
  const found = await products.page(cursor === undefined ? 0 : readCursor(cursor), limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    found.length > limit && last !== undefined ? Buffer.from(`p${last.id}`).toString("base64url") : null;
  return `{"items":[${items.map(productDocument).join(",")}],"nextCursor":${JSON.stringify(nextCursor)}}`;
}

/** The product page as JSON text, the same to the byte as the edge puts it together from Redis. */
export async function productPage(products: Products, stock: StockOf, id: number): Promise<string> {
  const [product, stockPart] = await Promise.all([products.findActive(id), stock.document(id)]);
  if (product === undefined || stockPart === undefined) throw new Refusal(catalogErrors.productNotFound);
  return composeProductPage(productDocument(product), stockPart);
}

function readCursor(cursor: string): number {
  const match = /^p(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  if (match === null) throw new Refusal(catalogErrors.cursorInvalid);
  return Number(match[1]);
}
