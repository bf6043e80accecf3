import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import type { Order } from "../domain/order.ts";
import { isDue, isUnpaid } from "../domain/order-state.ts";
import { isAsAsked, type Payment } from "../domain/payment.ts";
import { orderingErrors } from "../errors.ts";
import { advance } from "./advance.ts";
import { paymentLimits } from "./limits.ts";
import type { OrderBook, OrderTransaction, PaymentProvider, PaymentProviders } from "./ports.ts";
import type { SettlePayment } from "./settle-payment.ts";

export interface PayOrder {
  readonly userId: number;
  readonly orderId: string;
  /** Undefined for the provider's own. */
  readonly method: string | undefined;
}

export type PayOutcome =
  /** The order is PAID. */
  | { readonly outcome: "paid"; readonly order: Order }
  /** The provider has not decided; its callback, or reconciliation, will finish it. */
  | { readonly outcome: "undecided"; readonly order: Order };

/**
 * Writes the attempt down, asks the provider outside of any transaction, and settles what it says. When this
 * process dies in between, the attempt is STARTED and the worker asks the provider about it.
 *
 * An attempt that is under way by the same method is taken up again: the provider knows it, so nobody pays twice. One
 * by another method is cancelled at its provider first; when it has taken the money after all, the order is paid.
 */
export function createPayOrder(deps: {
  book: OrderBook;
  providers: PaymentProviders;
  settle: SettlePayment;
  clock: Clock;
  newId: NewId;
}) {
  const { book, providers, settle, clock, newId } = deps;

  const charge = async (order: Order, payment: Payment): Promise<PayOutcome> => {
    const decision = await providers.current.charge(payment, (reference) =>
      book.transaction((tx) => tx.keepReference(payment.id, reference)),
    );
    if (decision.outcome === "unknown") return { outcome: "undecided", order };
    const settled = await settle(payment.id, decision);
    if (settled.status === "PAID") return { outcome: "paid", order: settled };
    if (decision.outcome === "declined") {
      const { confirmationWanted, paymentDeclined } = orderingErrors;
      const members = { orderStatus: settled.status };
      throw new Refusal(decision.wantsConfirmation ? confirmationWanted : paymentDeclined, { members });
    }
    if (!isAsAsked(payment, decision)) {
      throw new Refusal(orderingErrors.paymentMismatch, {
        detail: "the provider took another amount than it was asked for, and it is paid back",
        members: { orderStatus: settled.status },
      });
    }
    throw notPayable(settled, "the money came too late and is paid back");
  };

  return async ({ userId, orderId, method: wanted }: PayOrder): Promise<PayOutcome> => {
    const method = methodOf(providers.current, wanted);
    for (let replaced = 0; ; replaced++) {
      const wish = { userId, orderId, method, provider: providers.current.name, freshId: newId() };
      const started = await book.transaction((tx) => startPayment(tx, wish, clock()));
      if (started.outcome === "started") return charge(started.order, started.payment);
      const other = started.payment;
      const became = await providers.named(other.provider)?.cancel(other);
      if (became === undefined || became.outcome === "unknown" || replaced >= paymentLimits.replacedMax) {
        throw new Refusal(orderingErrors.paymentInFlight, { headers: { "retry-after": "1" } });
      }
      const order = await settle(other.id, became);
      if (order.status === "PAID") return { outcome: "paid", order };
    }
  };
}

function methodOf(provider: PaymentProvider, wanted: string | undefined): string {
  const method = wanted ?? provider.defaultMethod;
  if (method !== undefined && provider.takes(method)) return method;
  throw new Refusal(orderingErrors.methodUnknown, {
    detail: `${provider.name} takes ${method === undefined ? "no payment without a method" : "another kind"}`,
  });
}

interface Wish {
  readonly userId: number;
  readonly orderId: string;
  readonly method: string;
  readonly provider: string;
  readonly freshId: string;
}

type Started =
  | { readonly outcome: "started"; readonly order: Order; readonly payment: Payment }
  | { readonly outcome: "another is under way"; readonly payment: Payment };

async function startPayment(
  tx: OrderTransaction,
  { userId, orderId, method, provider, freshId }: Wish,
  nowMs: number,
): Promise<Started> {
  const order = await tx.lockOrder(orderId);
  if (order === undefined || order.userId !== userId) throw new Refusal(orderingErrors.orderNotFound);
  if (!isUnpaid(order.status)) throw notPayable(order, `the order is ${order.status}`);
  if (isDue(order, nowMs)) throw notPayable(order, "the time to pay has run out");
  const underWay = await tx.lockPaymentOf(orderId, "STARTED");
  const nextCheckAtMs = nowMs + paymentLimits.reconcileAfterMs;
  if (underWay !== undefined) {
    if (underWay.method !== method || underWay.provider !== provider) {
      return { outcome: "another is under way", payment: underWay };
    }
    // Touched, so that a reconciliation that has just not found it does not decline what we send now.
    const again = { ...underWay, nextCheckAtMs, updatedAtMs: nowMs };
    await tx.setPayment(again, "STARTED");
    return { outcome: "started", order, payment: again };
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
  if (order.status !== "FAILED_PAYMENT") return { outcome: "started", order, payment };
  const change = { actor: `user:${userId}`, reason: "another attempt to pay", nowMs };
  const [pending = order] = await advance(tx, [order], "PENDING_PAYMENT", change);
  return { outcome: "started", order: pending, payment };
}

function notPayable(order: Order, detail: string): Refusal {
  return new Refusal(orderingErrors.notPayable, { detail, members: { orderStatus: order.status } });
}
