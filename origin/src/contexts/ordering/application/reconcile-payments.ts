import type { Clock } from "../../../kernel/clock.ts";
import type { Payment } from "../domain/payment.ts";
import type { Refund } from "../domain/refund.ts";
import { paymentLimits } from "./limits.ts";
import type { ChargeDecision, OrderBook, PaymentProvider, PaymentProviders } from "./ports.ts";
import type { SettlePayment } from "./settle-payment.ts";
import type { SettleRefund } from "./settle-refund.ts";

/**
 * Asks the providers about payments that nobody has decided, and asks them to pay back what is owed: each payment the
 * provider that made it, whichever makes new ones. Each is asked about again after a time that doubles, for as long as
 * it takes: money is never written off by itself. Returns how many it asked about. One that fails holds up no other.
 *
 * That a provider has not heard of a charge proves nothing: it may still be on its way. So it is cancelled there, and
 * only then declined here.
 */
export function createReconcilePayments(deps: {
  book: OrderBook;
  providers: PaymentProviders;
  settle: SettlePayment;
  settleRefund: SettleRefund;
  clock: Clock;
}) {
  const { book, providers, settle, settleRefund, clock } = deps;

  const providerOf = ({ id, provider }: Payment): PaymentProvider => {
    const found = providers.named(provider);
    if (found === undefined)
      throw new Error(`payment ${id} was made by ${provider}, which is not configured`);
    return found;
  };

  const ask = async (payment: Payment): Promise<void> => {
    const provider = providerOf(payment);
    const found = await provider.find(payment);
    if (found.outcome === "unknown") return;
    if (found.outcome !== "absent") return void (await settle(payment.id, found));
    // Somebody may have sent it again while it was looked for: then it is not given up.
    const now = await book.findPayment(payment.id);
    if (now?.status === "DECLINED") return void (await settle(now.id, declinedAs(now)));
    if (now?.status !== "STARTED" || now.updatedAtMs !== payment.updatedAtMs) return;
    const became = await provider.cancel(now);
    if (became.outcome !== "unknown") await settle(payment.id, became);
  };

  const payBack = async (refund: Refund): Promise<void> => {
    const payment = await book.findPayment(refund.paymentId);
    if (payment === undefined) throw new Error(`refund ${refund.id} is of no payment`);
    const answer = await providerOf(payment).refund(refund, payment);
    await settleRefund(refund.id, refund.attempt, answer);
  };

  return async (): Promise<number> => {
    const max = paymentLimits.reconcileBatchMax;
    const payments = await book.claimUndecided(clock(), backoffMs, max);
    const refunds = await book.claimUndecidedRefunds(clock(), backoffMs, max);
    const asked = await Promise.allSettled([...payments.map(ask), ...refunds.map(payBack)]);
    const failed = asked.filter((one) => one.status === "rejected").map((one) => one.reason as unknown);
    if (failed.length > 0) throw new AggregateError(failed, `payments: ${failed.map(String).join("; ")}`);
    return asked.length;
  };
}

/** The provider has never heard of a charge that is over here: so it is still. */
function declinedAs({ amountCents, currency, providerReference }: Payment): ChargeDecision {
  return { outcome: "declined", amountCents, currency, reference: providerReference ?? "" };
}

function backoffMs(checks: number): number {
  return Math.min(
    paymentLimits.reconcileBackoffMs * 2 ** Math.min(checks, 20),
    paymentLimits.reconcileBackoffMaxMs,
  );
}
