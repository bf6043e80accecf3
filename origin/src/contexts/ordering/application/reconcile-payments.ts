import type { Clock } from "../../../kernel/clock.ts";
import type { Payment } from "../domain/payment.ts";
import { paymentLimits } from "./limits.ts";
import type { OrderBook, PaymentProvider } from "./ports.ts";
import type { FinishRefund } from "./refund-order.ts";
import type { SettlePayment } from "./settle-payment.ts";

/**
 * Asks the provider about payments that nobody has decided, and asks it to pay back what is owed. Each is
 * asked about again after a time that doubles, for as long as it takes: money is never written off by itself.
 * Returns how many it asked about. One that fails holds up no other.
 */
export function createReconcilePayments(deps: {
  book: OrderBook;
  provider: PaymentProvider;
  settle: SettlePayment;
  finishRefund: FinishRefund;
  clock: Clock;
}) {
  const { book, provider, settle, finishRefund, clock } = deps;

  const ask = async (payment: Payment): Promise<void> => {
    if (payment.status === "REFUND_DUE") {
      const answer = await provider.refund(payment);
      if (answer.outcome === "refunded") await finishRefund(payment.id);
      return;
    }
    const found = await provider.find(payment);
    if (found.outcome === "unknown") return;
    if (found.outcome === "absent") await settle(payment.id, neverArrived(payment), payment.updatedAtMs);
    else await settle(payment.id, found);
  };

  return async (): Promise<number> => {
    const undecided = await book.claimUndecided(clock(), backoffMs, paymentLimits.reconcileBatchMax);
    const asked = await Promise.allSettled(undecided.map(ask));
    const failed = asked.filter((one) => one.status === "rejected").map((one) => one.reason as unknown);
    if (failed.length > 0) throw new AggregateError(failed, `payments: ${failed.map(String).join("; ")}`);
    return undecided.length;
  };
}

/** A charge that the provider has not heard of so long after we began it was never sent. */
function neverArrived({ amountCents, currency }: Payment) {
  return { outcome: "declined", amountCents, currency, reference: "never-arrived" } as const;
}

function backoffMs(checks: number): number {
  return Math.min(
    paymentLimits.reconcileBackoffMs * 2 ** Math.min(checks, 20),
    paymentLimits.reconcileBackoffMaxMs,
  );
}
