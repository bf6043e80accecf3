import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import type { Order } from "../domain/order.ts";
import { isDue, isUnpaid } from "../domain/order-state.ts";
import type { Payment } from "../domain/payment.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import { paymentLimits } from "./limits.ts";
import type { OrderBook, OrderTransaction, PaymentProvider } from "./ports.ts";
import type { SettlePayment } from "./settle-payment.ts";

export interface PayOrder {
  readonly userId: number;
  readonly orderId: string;
  readonly method: string;
}

export type PayOutcome =
  /** The order is PAID. */
  | { readonly outcome: "paid"; readonly order: Order }
  /** The provider has not decided; its callback, or reconciliation, will finish it. */
  | { readonly outcome: "undecided"; readonly order: Order };

/**
 * Writes the attempt down, asks the provider outside of any transaction, and settles what it says. When this
 * process dies in between, the attempt is STARTED and the worker asks the provider about it.
 */
export function createPayOrder(deps: {
  book: OrderBook;
  provider: PaymentProvider;
  settle: SettlePayment;
  clock: Clock;
  newId: NewId;
}) {
  const { book, provider, settle, clock, newId } = deps;

  return async (command: PayOrder): Promise<PayOutcome> => {
    const freshId = newId();
    const { order, payment } = await book.transaction((tx) =>
      startPayment(tx, command, freshId, provider.name, clock()),
    );
    const decision = await provider.charge(payment);
    if (decision.outcome === "unknown") return { outcome: "undecided", order };
    const settled = await settle(payment.id, decision);
    if (settled.status === "PAID") return { outcome: "paid", order: settled };
    if (decision.outcome === "declined") {
      throw new Refusal(orderingErrors.paymentDeclined, { members: { orderStatus: settled.status } });
    }
    throw notPayable(settled, "the money came too late and is paid back");
  };
}

/** An attempt that is under way is taken up again: the provider knows it, so nobody pays twice. */
async function startPayment(
  tx: OrderTransaction,
  { userId, orderId, method }: PayOrder,
  freshId: string,
  provider: string,
  nowMs: number,
): Promise<{ order: Order; payment: Payment }> {
  const order = await tx.lockOrder(orderId);
  if (order === undefined || order.userId !== userId) throw new Refusal(orderingErrors.orderNotFound);
  if (!isUnpaid(order.status)) throw notPayable(order, `the order is ${order.status}`);
  if (isDue(order, nowMs)) throw notPayable(order, "the time to pay has run out");
  const underWay = await tx.lockPaymentOf(orderId, "STARTED");
  const nextCheckAtMs = nowMs + paymentLimits.reconcileAfterMs;
  if (underWay !== undefined) {
    // Touched, so that a reconciliation that has just not found it does not decline what we send now.
    const again = { ...underWay, nextCheckAtMs, updatedAtMs: nowMs };
    await tx.setPayment(again, "STARTED");
    return { order, payment: again };
  }
  const payment: Payment = {
    id: freshId,
    orderId,
    provider,
    method,
    status: "STARTED",
    amountCents: order.totalCents,
    currency: order.currency,
    providerReference: undefined,
    reason: "",
    nextCheckAtMs,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  await tx.insertPayment(payment);
  if (order.status !== "FAILED_PAYMENT") return { order, payment };
  const change = { actor: `user:${userId}`, reason: "another attempt to pay", nowMs };
  const [pending = order] = await advance(tx, [order], "PENDING_PAYMENT", change);
  return { order: pending, payment };
}

function notPayable(order: Order, detail: string): Refusal {
  return new Refusal(orderingErrors.notPayable, { detail, members: { orderStatus: order.status } });
}
