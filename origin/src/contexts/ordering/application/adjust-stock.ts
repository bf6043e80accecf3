import { Refusal } from "../../../kernel/errors.ts";
import { emptyStock, moveStock, type Stock } from "../domain/stock.ts";
import { orderingErrors } from "../errors.ts";
import { stockLimits } from "./limits.ts";
import type { Change, OrderBook } from "./ports.ts";

/** Counts of a product's pieces, for those who may not know the domain. */
export type StockCounts = Stock;

/** Adds pieces to a product, or takes away some that are available. */
export async function adjustStock(
  book: OrderBook,
  productId: number,
  delta: number,
  change: Change,
): Promise<Stock> {
  return book.transaction(async (tx) => {
    const stock = await tx.lockStock(productId);
    if (stock === undefined) throw new Refusal(orderingErrors.stockUnknown);
    const moved = moveStock(stock, "RECEIVE", delta);
    if (moved === undefined) {
      throw new Refusal(orderingErrors.stockTooLow, { detail: `${stock.available} pieces are available` });
    }
    if (moved.total > stockLimits.totalMax) {
      throw new Refusal(orderingErrors.stockTooHigh, { detail: `at most ${stockLimits.totalMax} pieces` });
    }
    if (delta === 0) return stock;
    await tx.moveStock("RECEIVE", [{ productId, quantity: delta }]);
    await tx.appendMovements([{ productId, quantity: delta, kind: "RECEIVE", orderId: undefined, change }]);
    return moved;
  });
}

/**
 * Gives a new product its first pieces. Repeating it changes nothing, so whoever creates a product may try
 * again after a failure; the stock as it is then is returned.
 */
export async function openStock(
  book: OrderBook,
  productId: number,
  quantity: number,
  change: Change,
): Promise<Stock> {
  return book.transaction(async (tx) => {
    if (!(await tx.openStock(productId))) return (await tx.lockStock(productId)) ?? emptyStock;
    if (quantity === 0) return emptyStock;
    await tx.moveStock("RECEIVE", [{ productId, quantity }]);
    await tx.appendMovements([{ productId, quantity, kind: "RECEIVE", orderId: undefined, change }]);
    return moveStock(emptyStock, "RECEIVE", quantity) ?? emptyStock;
  });
}
