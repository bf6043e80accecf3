import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { isAsAsked } from "../domain/payment.ts";
import { hasSucceeded } from "../domain/payment-state.ts";
import { readAttemptKey } from "../domain/refund.ts";
import { orderingErrors } from "../errors.ts";
import { paymentLimits } from "./limits.ts";
import type { ChargeDecision, OrderBook, PaymentProviders } from "./ports.ts";
import type { SettlePayment } from "./settle-payment.ts";
import type { SettleRefund } from "./settle-refund.ts";

/**
 * Believes a provider's callback when it is signed, and settles the payment or the refund that it speaks of. One that
 * tells of another amount than was asked for is refused: whoever could sign would set the price. But it is no reason to
 * look away either, so the provider itself is asked, and what it says then counts.
 */
export function createReceiveCallback(deps: {
  book: OrderBook;
  providers: PaymentProviders;
  settle: SettlePayment;
  settleRefund: SettleRefund;
  clock: Clock;
}) {
  const { book, providers, settle, settleRefund, clock } = deps;

  const settleAsAsked = async (paymentId: string, answer: ChargeDecision): Promise<void> => {
    const asked = await book.findPayment(paymentId);
    if (asked === undefined) throw new Refusal(orderingErrors.paymentUnknown);
    if (isAsAsked(asked, answer)) return void (await settle(paymentId, answer));
    if (!hasSucceeded(asked.status)) {
      await book.askAbout(paymentId, clock() + paymentLimits.reconcileAfterMs);
    }
    throw new Refusal(orderingErrors.paymentMismatch, {
      detail: `asked for ${asked.amountCents} ${asked.currency}, told of ${answer.amountCents} ${answer.currency}`,
    });
  };

  return async (
    providerName: string,
    body: Buffer,
    header: (name: string) => string | undefined,
  ): Promise<void> => {
    const provider = providers.named(providerName);
    if (provider === undefined) throw new Refusal(orderingErrors.providerUnknown);
    const reading = provider.readCallback(body, header, clock());
    switch (reading.outcome) {
      case "forged":
        throw new Refusal(orderingErrors.signatureInvalid, { detail: reading.detail });
      case "malformed":
        throw new Refusal(orderingErrors.callbackMalformed);
      case "charge":
        if (reading.answer.outcome !== "unknown") await settleAsAsked(reading.paymentId, reading.answer);
        return;
      case "refund": {
        const named = readAttemptKey(reading.attemptKey);
        if (named === undefined) throw new Refusal(orderingErrors.refundUnknown);
        await settleRefund(named.refundId, named.attempt, reading.answer);
        return;
      }
      case "ignored":
    }
  };
}
