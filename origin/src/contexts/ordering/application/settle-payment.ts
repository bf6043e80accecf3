import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import type { Order } from "../domain/order.ts";
import { isUnpaid } from "../domain/order-state.ts";
import { isAsAsked, type Money, type Payment, takenBy } from "../domain/payment.ts";
import { hasSucceeded } from "../domain/payment-state.ts";
import { newRefund } from "../domain/refund.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import type { Change, ChargeDecision, OrderBook, OrderTransaction } from "./ports.ts";

/** `decision` is an answer of the provider to a question of ours, or agrees with what it was asked for. */
export type SettlePayment = (paymentId: string, decision: ChargeDecision) => Promise<Order>;

/**
 * Writes down what the provider decided. The answer to our call, its callbacks (as many as it likes, in any
 * order) and reconciliation all come here; the first one counts, the others change nothing.
 *
 * Money for an order that is no longer unpaid (expired, cancelled, paid by another attempt) becomes a debt,
 * REFUND_DUE, with a refund of all of it, which the worker asks for. So does money of another amount or currency than was
 * asked for: what came goes back, somebody is told, and the order may be paid again. A callback alone does not prove it
 * (receive-callback.ts).
 */
export function createSettlePayment(deps: { book: OrderBook; clock: Clock; newId: NewId }): SettlePayment {
  const { book, clock, newId } = deps;
  return async (paymentId, decision) => {
    const seen = await book.findPayment(paymentId);
    if (seen === undefined) throw new Refusal(orderingErrors.paymentUnknown);
    const ids = { refundId: newId(), messageId: newId() };
    return book.transaction(async (tx) => {
      // The order's row first: it is the lock of its payments.
      const order = await tx.lockOrder(seen.orderId);
      const payment = await tx.lockPayment(paymentId);
      if (order === undefined || payment === undefined) throw new Refusal(orderingErrors.paymentUnknown);
      const change = { actor: `provider:${payment.provider}`, reason: decision.outcome, nowMs: clock() };
      return decision.outcome === "succeeded"
        ? succeed(tx, order, payment, decision, change, ids)
        : decline(tx, order, payment, decision, change);
    });
  };
}

async function succeed(
  tx: OrderTransaction,
  order: Order,
  payment: Payment,
  decision: ChargeDecision,
  change: Change,
  ids: { refundId: string; messageId: string },
): Promise<Order> {
  if (hasSucceeded(payment.status)) return order;
  const { reference, amountCents, currency } = decision;
  const settled = { ...payment, providerReference: reference, updatedAtMs: change.nowMs };
  if (!isAsAsked(payment, decision)) {
    const taken: Money = { amountCents, currency };
    const { orderId, id: paymentId, provider } = payment;
    const asked: Money = { amountCents: payment.amountCents, currency: payment.currency };
    const reason = `paid ${inWords(taken)} instead of ${inWords(asked)}`;
    await oweBack(
      tx,
      payment,
      { ...settled, otherTaken: taken },
      { id: ids.refundId, actor: "other-amount", reason },
    );
    const about = { orderId, paymentId, provider, asked, taken };
    await tx.raiseAlert({ kind: "amount_mismatch", messageId: ids.messageId, atMs: change.nowMs, ...about });
    return order.status === "PENDING_PAYMENT" && payment.status === "STARTED"
      ? failPayment(tx, order, { ...change, reason })
      : order;
  }
  if (!isUnpaid(order.status)) {
    const reason = `the order was ${order.status}`;
    await oweBack(tx, payment, settled, { id: ids.refundId, actor: "too-late", reason });
    return order;
  }
  await tx.setPayment({ ...settled, status: "SUCCEEDED", nextCheckAtMs: undefined }, payment.status);
  // A provider may change its mind; the way to PAID leads through PENDING_PAYMENT all the same.
  const [pending = order] =
    order.status === "FAILED_PAYMENT" ? await advance(tx, [order], "PENDING_PAYMENT", change) : [order];
  const [paid = pending] = await advance(tx, [pending], "PAID", change);
  return paid;
}

/** All that was taken is owed, from now on. */
async function oweBack(
  tx: OrderTransaction,
  before: Payment,
  settled: Payment,
  { id, actor, reason }: { id: string; actor: string; reason: string },
): Promise<void> {
  const nowMs = settled.updatedAtMs;
  await tx.setPayment({ ...settled, status: "REFUND_DUE", reason, nextCheckAtMs: undefined }, before.status);
  const { amountCents } = takenBy(settled);
  const wish = { id, amountCents, actor, reason, nextCheckAtMs: nowMs };
  await tx.insertRefund(newRefund(settled, wish, nowMs));
}

function inWords({ amountCents, currency }: Money): string {
  return `${amountCents} ${currency}`;
}

async function decline(
  tx: OrderTransaction,
  order: Order,
  payment: Payment,
  { reference }: ChargeDecision,
  change: Change,
): Promise<Order> {
  if (payment.status !== "STARTED") {
    // Asked about once more, and it stays at that.
    if (payment.nextCheckAtMs !== undefined)
      await tx.setPayment({ ...payment, nextCheckAtMs: undefined }, payment.status);
    return order;
  }
  const declined: Payment = {
    ...payment,
    status: "DECLINED",
    providerReference: reference,
    nextCheckAtMs: undefined,
    updatedAtMs: change.nowMs,
  };
  await tx.setPayment(declined, payment.status);
  return order.status === "PENDING_PAYMENT" ? failPayment(tx, order, change) : order;
}

async function failPayment(tx: OrderTransaction, order: Order, change: Change): Promise<Order> {
  const [failed = order] = await advance(tx, [order], "FAILED_PAYMENT", change);
  return failed;
}
