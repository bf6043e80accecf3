import assert from "node:assert/strict";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import type { Order } from "../domain/order.ts";
import type { Payment } from "../domain/payment.ts";
import { newRefund, type Refund, sumOfRefunds } from "../domain/refund.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import { paymentLimits } from "./limits.ts";
import type { OrderBook, OrderTransaction, PaymentProviders } from "./ports.ts";
import { askForRefund, type Refunded, type SettleRefund } from "./settle-refund.ts";

export interface RefundOrder {
  readonly orderId: string;
  /** Undefined for an operator, who may refund anybody's. */
  readonly userId: number | undefined;
  readonly actor: string;
  readonly reason: string;
  /** Undefined for all that is left. */
  readonly amountCents: number | undefined;
  /** Without one a part could be paid back twice: so a part needs one. */
  readonly idempotencyKey: string | undefined;
}

/**
 * Refunds a paid order, or a part of it: first the debt is written down, then the provider is asked. When it does
 * not answer, the worker goes on asking. The order stays PAID until the last of its money is to go back: then it is
 * REFUNDING, and when all of it is back REFUNDED, and its pieces go on sale again.
 */
export function createRefundOrder(deps: {
  book: OrderBook;
  providers: PaymentProviders;
  settleRefund: SettleRefund;
  clock: Clock;
  newId: NewId;
}) {
  const { book, providers, settleRefund, clock, newId } = deps;

  return async (command: RefundOrder): Promise<Refunded> => {
    if (command.amountCents !== undefined && command.idempotencyKey === undefined) {
      throw new Refusal(orderingErrors.keyRequired);
    }
    const freshId = newId();
    const { order, refund, payment } = await book.transaction((tx) => owe(tx, command, freshId, clock()));
    if (refund.status !== "DUE") return { order, refund };
    const answer = await askForRefund(providers, refund, payment);
    return (await settleRefund(refund.id, refund.attempt, answer)) ?? { order, refund };
  };
}

async function owe(
  tx: OrderTransaction,
  command: RefundOrder,
  freshId: string,
  nowMs: number,
): Promise<Refunded & { payment: Payment }> {
  const { orderId, userId, actor, reason, idempotencyKey } = command;
  const order = await tx.lockOrder(orderId);
  if (order === undefined || (userId !== undefined && order.userId !== userId)) {
    throw new Refusal(orderingErrors.orderNotFound);
  }
  const refunds = await tx.lockRefundsOf(orderId);
  const known = refunds.find((one) => idempotencyKey !== undefined && one.idempotencyKey === idempotencyKey);
  if (known !== undefined) return { ...(await replay(tx, order, known, command)) };
  if (order.status !== "PAID") {
    throw new Refusal(orderingErrors.notRefundable, {
      detail: `the order is ${order.status}`,
      members: { orderStatus: order.status },
    });
  }
  const payment = await tx.lockPaymentOf(orderId, "SUCCEEDED");
  assert(payment !== undefined, `order ${orderId} is PAID without a payment`);
  const left =
    payment.amountCents - sumOfRefunds(refunds.filter(({ paymentId }) => paymentId === payment.id));
  const amountCents = command.amountCents ?? left;
  if (amountCents > left) {
    throw new Refusal(orderingErrors.refundTooLarge, {
      detail: `${left} of ${payment.amountCents} ${payment.currency} are left`,
      members: { leftCents: left },
    });
  }
  // This process asks the provider now; the worker takes over when it did not come to an end.
  const nextCheckAtMs = nowMs + paymentLimits.reconcileAfterMs;
  const askedCents = command.amountCents;
  const wish = { id: freshId, amountCents, actor, reason, idempotencyKey, askedCents, nextCheckAtMs };
  const refund = newRefund(payment, wish, nowMs);
  await tx.insertRefund(refund);
  if (amountCents < left) return { order, refund, payment };
  await tx.setPayment({ ...payment, status: "REFUND_DUE", reason, updatedAtMs: nowMs }, "SUCCEEDED");
  const [refunding = order] = await advance(tx, [order], "REFUNDING", { actor, reason, nowMs });
  return { order: refunding, refund, payment };
}

async function replay(tx: OrderTransaction, order: Order, refund: Refund, { amountCents }: RefundOrder) {
  if (amountCents !== refund.askedCents) throw new Refusal(orderingErrors.keyReused);
  const payment = await tx.lockPayment(refund.paymentId);
  assert(payment !== undefined, `refund ${refund.id} is of no payment`);
  return { order, refund, payment };
}
