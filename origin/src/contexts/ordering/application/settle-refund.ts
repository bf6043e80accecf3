import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Order } from "../domain/order.ts";
import { type Payment, takenBy } from "../domain/payment.ts";
import { type Refund, sumOfRefunds } from "../domain/refund.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import { paymentLimits } from "./limits.ts";
import type { OrderBook, OrderTransaction, PaymentProviders, RefundOutcome } from "./ports.ts";

/** Asks the provider that made the payment; one that is no longer configured does not answer. */
export async function askForRefund(
  providers: PaymentProviders,
  refund: Refund,
  payment: Payment,
): Promise<RefundOutcome> {
  const provider = providers.named(payment.provider);
  return provider === undefined ? { outcome: "unknown" } : provider.refund(refund, payment);
}

export interface Refunded {
  readonly order: Order;
  readonly refund: Refund;
}

/** Undefined when nothing changed. */
export type SettleRefund = (
  refundId: string,
  attempt: number,
  answer: RefundOutcome,
) => Promise<Refunded | undefined>;

/**
 * Writes down what became of an attempt to pay back, whoever says so, in any order and as often as they like: what is
 * about another attempt than the last is no news. One that fails is tried again, as a new attempt and later each time;
 * after the last one somebody has to look at it. The debt stays all the time.
 */
export function createSettleRefund({ book, clock }: { book: OrderBook; clock: Clock }): SettleRefund {
  return async (refundId, attempt, answer) => {
    if (answer.outcome === "unknown") return undefined;
    const seen = await book.findRefund(refundId);
    if (seen === undefined) throw new Refusal(orderingErrors.refundUnknown);
    if (answer.amountCents !== seen.amountCents || answer.currency !== seen.currency) {
      throw new Refusal(orderingErrors.paymentMismatch, {
        detail: `owed ${seen.amountCents} ${seen.currency}, got ${answer.amountCents} ${answer.currency}`,
      });
    }
    return book.transaction(async (tx) => {
      const order = await tx.lockOrder(seen.orderId);
      const payment = await tx.lockPayment(seen.paymentId);
      const refunds = await tx.lockRefundsOf(seen.orderId);
      const refund = refunds.find(({ id }) => id === refundId);
      if (
        order === undefined ||
        payment === undefined ||
        refund === undefined ||
        refund.attempt !== attempt
      ) {
        return undefined;
      }
      const next = after(refund, answer, clock());
      if (next === undefined) return undefined;
      await tx.setRefund(next, refund.status);
      const all = refunds.map((one) => (one.id === refundId ? next : one));
      return { order: await follow(tx, order, payment, all, clock()), refund: next };
    });
  };
}

type Answer = Exclude<RefundOutcome, { outcome: "unknown" }>;

/** The refund after an answer, or undefined when it is no news. */
function after(refund: Refund, answer: Answer, nowMs: number): Refund | undefined {
  const { status, attempt } = refund;
  const told = { ...refund, providerReference: answer.reference, updatedAtMs: nowMs };
  switch (answer.outcome) {
    case "refunded":
      if (status === "DONE" || status === "FAILED") return undefined;
      return { ...told, status: "DONE", failure: "", nextCheckAtMs: undefined };
    case "pending":
      if (status !== "DUE") return undefined;
      return { ...told, status: "SENT", nextCheckAtMs: nowMs + paymentLimits.reconcileAfterMs };
    case "failed": {
      if (status === "FAILED") return undefined;
      const failure = answer.reason.slice(0, paymentLimits.failureLengthMax);
      if (attempt >= paymentLimits.refundAttemptsMax) {
        return { ...told, status: "FAILED", failure, nextCheckAtMs: undefined };
      }
      const nextCheckAtMs = nowMs + paymentLimits.refundRetryMs * 2 ** (attempt - 1);
      return {
        ...told,
        status: "DUE",
        attempt: attempt + 1,
        providerReference: undefined,
        failure,
        nextCheckAtMs,
      };
    }
  }
}

/** What the payment and the order become by it. */
async function follow(
  tx: OrderTransaction,
  order: Order,
  payment: Payment,
  refunds: readonly Refund[],
  nowMs: number,
): Promise<Order> {
  const own = refunds.filter(({ paymentId }) => paymentId === payment.id);
  const allBack =
    own.every(({ status }) => status === "DONE") && sumOfRefunds(own) === takenBy(payment).amountCents;
  if (payment.status === "REFUNDED" && !allBack) {
    // The order stays REFUNDED, and its pieces on sale: it is our debt alone that has come back.
    await tx.setPayment({ ...payment, status: "REFUND_DUE", updatedAtMs: nowMs }, "REFUNDED");
    return order;
  }
  if (payment.status !== "REFUND_DUE" || !allBack) return order;
  await tx.setPayment({ ...payment, status: "REFUNDED", updatedAtMs: nowMs }, "REFUND_DUE");
  // Two attempts may both have taken money: the order is done when all of it is back.
  const stillOwed = await tx.lockPaymentOf(order.id, "REFUND_DUE");
  if (order.status !== "REFUNDING" || stillOwed !== undefined) return order;
  const change = { actor: `provider:${payment.provider}`, reason: "refunded", nowMs };
  const [refunded = order] = await advance(tx, [order], "REFUNDED", change);
  return refunded;
}

/** Has a refund tried again that failed for good, by the hand of an operator. */
export function createRetryRefund({ book, clock }: { book: OrderBook; clock: Clock }) {
  return async (refundId: string): Promise<Refund> => {
    const seen = await book.findRefund(refundId);
    if (seen === undefined) throw new Refusal(orderingErrors.refundUnknown);
    return book.transaction(async (tx) => {
      await tx.lockOrder(seen.orderId);
      const refund = (await tx.lockRefundsOf(seen.orderId)).find(({ id }) => id === refundId);
      if (refund?.status !== "FAILED") {
        throw new Refusal(orderingErrors.refundNotFailed, { detail: `the refund is ${refund?.status}` });
      }
      const nowMs = clock();
      const again: Refund = {
        ...refund,
        status: "DUE",
        attempt: refund.attempt + 1,
        providerReference: undefined,
        nextCheckAtMs: nowMs,
        updatedAtMs: nowMs,
      };
      await tx.setRefund(again, "FAILED");
      return again;
    });
  };
}
