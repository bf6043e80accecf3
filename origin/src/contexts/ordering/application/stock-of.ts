/** A product's stock, as ordering offers it to other contexts. */
export interface StockOf {
  /** Ordering's part of the product page, as text; undefined while the product has no stock. */
  document(productId: number): Promise<string | undefined>;
  /**
   * Gives a new product its first pieces. Repeating it changes nothing, so whoever makes a product may try
   * again after a failure. Returns the part of the product page as it is then.
   */
  open(productId: number, quantity: number, by: { actor: string; reason: string }): Promise<string>;
}
