import { composeProductPage } from "@sluice/contract/product-page.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { StockOf } from "../../ordering/public.ts";
import { type NewProduct, type ProductChange, productDocument } from "../domain/product.ts";
import { catalogErrors } from "../errors.ts";
import { productPage } from "./browse.ts";
import type { Products } from "./ports.ts";

export interface Administration {
  readonly products: Products;
  readonly stock: StockOf;
  readonly clock: Clock;
}

/**
 * Creates a product with its first pieces, and returns its page. Product and stock belong to two contexts,
 * so there are three commits: draft, stock, active. A crash in between leaves a draft that nobody sees.
 */
export async function createProduct(
  { products, stock, clock }: Administration,
  product: NewProduct,
  pieces: number,
  /** Who creates it, for the ledger. */
  actor: string,
): Promise<string> {
  const id = await products.insertDraft(product, clock());
  const stockPart = await stock.open(id, pieces, { actor, reason: "a new product" });
  await products.activate(id, clock());
  return composeProductPage(productDocument({ id, ...product }), stockPart);
}

/** Changes what is given and returns the product's page, or the product alone once it is retired. */
export async function changeProduct(
  { products, stock, clock }: Administration,
  id: number,
  change: ProductChange,
): Promise<string> {
  if (!(await products.change(id, change, clock()))) throw new Refusal(catalogErrors.productNotFound);
  const product = await products.find(id);
  if (product === undefined) throw new Refusal(catalogErrors.productNotFound);
  return product.status === "active" ? productPage(products, stock, id) : productDocument(product);
}

export interface DemoProduct extends NewProduct {
  readonly pieces: number;
}

/**
 * Fills a shop with demo products under the ids 1, 2, 3 …; an id that is taken is left alone, so a second run
 * changes nothing and an interrupted one is taken up again. Returns how many it added.
 */
export async function seedProducts(
  { products, stock, clock }: Administration,
  demo: readonly DemoProduct[],
): Promise<number> {
  let added = 0;
  for (const [index, { pieces, ...product }] of demo.entries()) {
    const id = index + 1;
    if (await products.insertDraftAs(id, product, clock())) added++;
    else if ((await products.find(id))?.status !== "draft") continue;
    await stock.open(id, pieces, { actor: "seed", reason: "demo data" });
    await products.activate(id, clock());
  }
  return added;
}
