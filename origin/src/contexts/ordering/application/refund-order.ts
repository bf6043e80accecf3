import assert from "node:assert/strict";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Order } from "../domain/order.ts";
import type { Payment } from "../domain/payment.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import { paymentLimits } from "./limits.ts";
import type { OrderBook, OrderTransaction, PaymentProvider } from "./ports.ts";

export interface RefundOrder {
  readonly userId: number;
  readonly orderId: string;
  readonly reason: string;
}

/**
 * Refunds a paid order in full: first the debt is written down (REFUNDING), then the provider is asked, then
 * the order is REFUNDED and its pieces go on sale again. When the provider does not answer, the worker goes
 * on asking, and the order stays REFUNDING so long.
 */
export function createRefundOrder(deps: {
  book: OrderBook;
  provider: PaymentProvider;
  finishRefund: FinishRefund;
  clock: Clock;
}) {
  const { book, provider, finishRefund, clock } = deps;

  return async (command: RefundOrder): Promise<Order> => {
    const { order, payment } = await book.transaction((tx) => owe(tx, command, clock()));
    const answer = await provider.refund(payment);
    if (answer.outcome === "unknown") return order;
    return finishRefund(payment.id);
  };
}

async function owe(
  tx: OrderTransaction,
  { userId, orderId, reason }: RefundOrder,
  nowMs: number,
): Promise<{ order: Order; payment: Payment }> {
  const order = await tx.lockOrder(orderId);
  if (order === undefined || order.userId !== userId) throw new Refusal(orderingErrors.orderNotFound);
  if (order.status !== "PAID") {
    throw new Refusal(orderingErrors.notRefundable, {
      detail: `the order is ${order.status}`,
      members: { orderStatus: order.status },
    });
  }
  const paid = await tx.lockPaymentOf(orderId, "SUCCEEDED");
  assert(paid !== undefined, `order ${orderId} is PAID without a payment`);
  const payment: Payment = {
    ...paid,
    status: "REFUND_DUE",
    reason,
    // This process asks the provider now; the worker takes over when it did not come to an end.
    nextCheckAtMs: nowMs + paymentLimits.reconcileAfterMs,
    updatedAtMs: nowMs,
  };
  await tx.setPayment(payment, "SUCCEEDED");
  const [refunding = order] = await advance(tx, [order], "REFUNDING", {
    actor: `user:${userId}`,
    reason,
    nowMs,
  });
  return { order: refunding, payment };
}

export type FinishRefund = (paymentId: string) => Promise<Order>;

/** The provider has paid the money back. Repeating it changes nothing. */
export function createFinishRefund({ book, clock }: { book: OrderBook; clock: Clock }): FinishRefund {
  return async (paymentId) => {
    const seen = await book.findPayment(paymentId);
    if (seen === undefined) throw new Refusal(orderingErrors.paymentUnknown);
    return book.transaction(async (tx) => {
      const order = await tx.lockOrder(seen.orderId);
      const payment = await tx.lockPayment(paymentId);
      if (order === undefined || payment === undefined) throw new Refusal(orderingErrors.paymentUnknown);
      if (payment.status !== "REFUND_DUE") return order;
      const nowMs = clock();
      await tx.setPayment(
        { ...payment, status: "REFUNDED", nextCheckAtMs: undefined, updatedAtMs: nowMs },
        "REFUND_DUE",
      );
      // Two attempts may both have taken money: the order is done when all of it is back.
      const stillOwed = await tx.lockPaymentOf(order.id, "REFUND_DUE");
      if (order.status !== "REFUNDING" || stillOwed !== undefined) return order;
      const change = { actor: `provider:${payment.provider}`, reason: "refunded", nowMs };
      const [refunded = order] = await advance(tx, [order], "REFUNDED", change);
      return refunded;
    });
  };
}
