import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Order } from "../domain/order.ts";
import { isUnpaid } from "../domain/order-state.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import type { OrderBook } from "./ports.ts";

/**
 * Cancels an unpaid order and gives its pieces back at once. Money that is on its way meanwhile arrives at a
 * cancelled order and is paid back.
 */
export function createCancelOrder({ book, clock }: { book: OrderBook; clock: Clock }) {
  return ({ userId, orderId }: { userId: number; orderId: string }): Promise<Order> =>
    book.transaction(async (tx) => {
      const order = await tx.lockOrder(orderId);
      if (order === undefined || order.userId !== userId) throw new Refusal(orderingErrors.orderNotFound);
      if (!isUnpaid(order.status)) {
        throw new Refusal(orderingErrors.notCancellable, {
          detail: `the order is ${order.status}`,
          members: { orderStatus: order.status },
        });
      }
      const change = { actor: `user:${userId}`, reason: "cancelled", nowMs: clock() };
      const [cancelled = order] = await advance(tx, [order], "CANCELLED", change);
      return cancelled;
    });
}
