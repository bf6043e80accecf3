/**
 * A product's pieces. Each piece is in exactly one place, so `available + reserved + sold = total` always;
 * a movement carries pieces from one place to another, and only RECEIVE changes how many there are.
 */
export interface Stock {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

export const emptyStock: Stock = { total: 0, available: 0, reserved: 0, sold: 0 };

/** What one piece adds to each count. Memory, SQL and the audit all derive from this table. */
export const stockMovements = {
  /** An operator adds pieces, or takes some away that are available (a negative quantity). */
  RECEIVE: { total: 1, available: 1, reserved: 0, sold: 0 },
  RESERVE: { total: 0, available: -1, reserved: 1, sold: 0 },
  RELEASE: { total: 0, available: 1, reserved: -1, sold: 0 },
  SELL: { total: 0, available: 0, reserved: -1, sold: 1 },
  /** A refunded order's pieces go on sale again: a refund comes before dispatch here. */
  RETURN: { total: 0, available: 1, reserved: 0, sold: -1 },
} as const satisfies Record<string, Stock>;

export type StockMovementKind = keyof typeof stockMovements;

/** What `quantity` pieces add to each count. */
export function stockDelta(kind: StockMovementKind, quantity: number): Stock {
  const one = stockMovements[kind];
  return {
    total: one.total * quantity,
    available: one.available * quantity,
    reserved: one.reserved * quantity,
    sold: one.sold * quantity,
  };
}

/** The stock after a movement, or undefined when there are not as many pieces to move. */
export function moveStock(stock: Stock, kind: StockMovementKind, quantity: number): Stock | undefined {
  const delta = stockDelta(kind, quantity);
  const moved = {
    total: stock.total + delta.total,
    available: stock.available + delta.available,
    reserved: stock.reserved + delta.reserved,
    sold: stock.sold + delta.sold,
  };
  return Math.min(moved.total, moved.available, moved.reserved, moved.sold) < 0 ? undefined : moved;
}

export function isConserved(stock: Stock): boolean {
  return stock.available + stock.reserved + stock.sold === stock.total;
}
