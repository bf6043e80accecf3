import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import type { Order } from "../domain/order.ts";
import { isUnpaid } from "../domain/order-state.ts";
import type { Payment } from "../domain/payment.ts";
import { hasSucceeded } from "../domain/payment-state.ts";
import { newRefund } from "../domain/refund.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import type { Change, ChargeDecision, OrderBook, OrderTransaction } from "./ports.ts";

export type SettlePayment = (paymentId: string, decision: ChargeDecision) => Promise<Order>;

/**
 * Writes down what the provider decided. The answer to our call, its callbacks (as many as it likes, in any
 * order) and reconciliation all come here; the first one counts, the others change nothing.
 *
 * Money for an order that is no longer unpaid (expired, cancelled, paid by another attempt) becomes a debt,
 * REFUND_DUE, with a refund of all of it, which the worker asks for.
 */
export function createSettlePayment(deps: { book: OrderBook; clock: Clock; newId: NewId }): SettlePayment {
  const { book, clock, newId } = deps;
  return async (paymentId, decision) => {
    const seen = await book.findPayment(paymentId);
    if (seen === undefined) throw new Refusal(orderingErrors.paymentUnknown);
    if (seen.amountCents !== decision.amountCents || seen.currency !== decision.currency) {
      throw new Refusal(orderingErrors.paymentMismatch, {
        detail: `asked for ${seen.amountCents} ${seen.currency}, got ${decision.amountCents} ${decision.currency}`,
      });
    }
    const refundId = newId();
    return book.transaction(async (tx) => {
      // The order's row first: it is the lock of its payments.
      const order = await tx.lockOrder(seen.orderId);
      const payment = await tx.lockPayment(paymentId);
      if (order === undefined || payment === undefined) throw new Refusal(orderingErrors.paymentUnknown);
      const change = { actor: `provider:${payment.provider}`, reason: decision.outcome, nowMs: clock() };
      return decision.outcome === "succeeded"
        ? succeed(tx, order, payment, decision, change, refundId)
        : decline(tx, order, payment, decision, change);
    });
  };
}

async function succeed(
  tx: OrderTransaction,
  order: Order,
  payment: Payment,
  { reference }: ChargeDecision,
  change: Change,
  refundId: string,
): Promise<Order> {
  if (hasSucceeded(payment.status)) return order;
  const settled = { ...payment, providerReference: reference, updatedAtMs: change.nowMs };
  if (!isUnpaid(order.status)) {
    const reason = `the order was ${order.status}`;
    const owed: Payment = { ...settled, status: "REFUND_DUE", reason, nextCheckAtMs: undefined };
    await tx.setPayment(owed, payment.status);
    const { amountCents } = payment;
    const wish = { id: refundId, amountCents, actor: "too-late", reason, idempotencyKey: undefined };
    await tx.insertRefund(newRefund(payment, { ...wish, nextCheckAtMs: change.nowMs }, change.nowMs));
    return order;
  }
  await tx.setPayment({ ...settled, status: "SUCCEEDED", nextCheckAtMs: undefined }, payment.status);
  // A provider may change its mind; the way to PAID leads through PENDING_PAYMENT all the same.
  const [pending = order] =
    order.status === "FAILED_PAYMENT" ? await advance(tx, [order], "PENDING_PAYMENT", change) : [order];
  const [paid = pending] = await advance(tx, [pending], "PAID", change);
  return paid;
}

async function decline(
  tx: OrderTransaction,
  order: Order,
  payment: Payment,
  { reference }: ChargeDecision,
  change: Change,
): Promise<Order> {
  if (payment.status !== "STARTED") return order;
  const declined: Payment = {
    ...payment,
    status: "DECLINED",
    providerReference: reference,
    nextCheckAtMs: undefined,
    updatedAtMs: change.nowMs,
  };
  await tx.setPayment(declined, payment.status);
  if (order.status !== "PENDING_PAYMENT") return order;
  const [failed = order] = await advance(tx, [order], "FAILED_PAYMENT", change);
  return failed;
}
