import assert from "node:assert/strict";
import { mergeLines, type Order } from "../domain/order.ts";
import { type OrderStatus, transitionOf } from "../domain/order-state.ts";
import type { StockMovementKind } from "../domain/stock.ts";
import type { Change, OrderTransaction } from "./ports.ts";
import { putBackIntoAllotments } from "./put-back.ts";

/**
 * Takes orders that the transaction has locked to another state: the compare-and-set, the history rows and
 * the stock movements, all or nothing. The only way in which an order's state changes.
 */
export async function advance(
  tx: OrderTransaction,
  orders: readonly Order[],
  to: OrderStatus,
  change: Change,
): Promise<Order[]> {
  for (const [from, group] of Map.groupBy(orders, (order) => order.status)) {
    assert(transitionOf(from, to) !== undefined, `no order goes from ${from} to ${to}`);
    const moved = await tx.setStatus(
      group.map((order) => order.id),
      from,
      to,
      change.nowMs,
    );
    assert.equal(moved, group.length, `${group.length} locked orders were no longer ${from}`);
  }
  await tx.appendHistory(
    orders.map(({ id: orderId, userId, status: from }) => ({ orderId, userId, from, to, change })),
  );
  for (const [kind, group] of Map.groupBy(orders, (order) => transitionOf(order.status, to)?.stock)) {
    if (kind !== undefined) await moveStockOf(tx, group, kind, change);
  }
  return orders.map((order) => ({ ...order, status: to }));
}

/** Moves what orders hold. They hold it, so there is enough: less would mean that the books are wrong. */
async function moveStockOf(
  tx: OrderTransaction,
  orders: readonly Order[],
  kind: StockMovementKind,
  change: Change,
): Promise<void> {
  await tx.appendMovements(
    orders.flatMap((order) => order.lines.map((line) => ({ ...line, kind, orderId: order.id, change }))),
  );
  // Those stay reserved.
  const putBack = kind === "RELEASE" ? await putBackIntoAllotments(tx, orders, change) : new Set();
  const moving = orders.filter((order) => !putBack.has(order));
  const pieces = mergeLines(moving.flatMap((order) => order.lines));
  if (await tx.moveStock(kind, pieces)) return;
  const wish = pieces.map(({ productId, quantity }) => `${quantity} of product ${productId}`);
  assert.fail(`stock cannot ${kind} ${wish.join(", ")}`);
}
