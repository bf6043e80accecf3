import { afterPutBack } from "../domain/allotment.ts";
import type { Order } from "../domain/order.ts";
import type { Change, OrderTransaction } from "./ports.ts";

/**
 * Orders from allotments give their pieces back to them. Returns the orders whose pieces stay reserved, because their
 * allotment is still open; the pieces of all others go back to the product.
 */
export async function putBackIntoAllotments(
  tx: OrderTransaction,
  orders: readonly Order[],
  change: Change,
): Promise<ReadonlySet<Order>> {
  const taken = Map.groupBy(
    orders.filter((order) => order.allotmentId !== undefined),
    (order) => order.allotmentId as number,
  );
  const kept = new Set<Order>();
  const ids = [...taken.keys()].sort((a, b) => a - b);
  for (const allotment of await tx.lockAllotments(ids)) {
    const group = taken.get(allotment.id) ?? [];
    const quantity = group.reduce((sum, order) => sum + piecesOf(order), 0);
    await tx.saveAllotment(afterPutBack(allotment, quantity));
    if (allotment.closedAtMs !== undefined) continue;
    for (const order of group) kept.add(order);
    const { productId } = allotment;
    await tx.appendMovements([{ productId, quantity, kind: "RESERVE", orderId: undefined, change }]);
  }
  return kept;
}

function piecesOf(order: Order): number {
  return order.lines.reduce((sum, line) => sum + line.quantity, 0);
}
