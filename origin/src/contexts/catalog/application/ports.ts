import type { NewProduct, Product, ProductChange } from "../domain/product.ts";

export interface Products {
  /** Active products after that id, by id. */
  page(afterId: number, limit: number): Promise<Product[]>;
  /** Undefined unless it is active. */
  findActive(id: number): Promise<Product | undefined>;
  find(id: number): Promise<Product | undefined>;
  insertDraft(product: NewProduct, nowMs: number): Promise<number>;
  /** Inserts it under that id; false when the id is taken. */
  insertDraftAs(id: number, product: NewProduct, nowMs: number): Promise<boolean>;
  /** draft → active; changes nothing else. */
  activate(id: number, nowMs: number): Promise<void>;
  /** False when there is no such product, or it is a draft. */
  change(id: number, change: ProductChange, nowMs: number): Promise<boolean>;
}
