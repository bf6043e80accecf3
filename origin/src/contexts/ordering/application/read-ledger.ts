import { Refusal } from "../../../kernel/errors.ts";
import type { Stock, StockMovementKind } from "../domain/stock.ts";
import { orderingErrors } from "../errors.ts";
import type { OrderBook } from "./ports.ts";

/** One movement of pieces, as operators see it. */
export interface MovementView {
  id: number;
  kind: StockMovementKind;
  quantity: number;
  orderId: string | null;
  actor: string;
  reason: string;
  at: string;
}

export interface LedgerPage {
  productId: number;
  stock: Stock;
  /** Newest first. */
  movements: MovementView[];
  /** For `before`, to go on; null on the last page. */
  nextBefore: number | null;
}

/** What has happened to a product's pieces, page by page: who moved how many, why, and for which order. */
export async function readLedger(
  book: OrderBook,
  productId: number,
  before: number | undefined,
  limit: number,
): Promise<LedgerPage> {
  const stock = await book.findStock(productId);
  if (stock === undefined) throw new Refusal(orderingErrors.stockUnknown);
  const found = await book.listMovements(productId, before, limit + 1);
  const movements = found.slice(0, limit).map(({ atMs, ...movement }) => ({
    ...movement,
    at: new Date(atMs).toISOString(),
  }));
  const nextBefore = found.length > limit ? (movements.at(-1)?.id ?? null) : null;
  return { productId, stock, movements, nextBefore };
}
