import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { readAttemptKey } from "../domain/refund.ts";
import { orderingErrors } from "../errors.ts";
import type { PaymentProviders } from "./ports.ts";
import type { SettlePayment } from "./settle-payment.ts";
import type { SettleRefund } from "./settle-refund.ts";

/** Believes a provider's callback when it is signed, and settles the payment or the refund that it speaks of. */
export function createReceiveCallback(deps: {
  providers: PaymentProviders;
  settle: SettlePayment;
  settleRefund: SettleRefund;
  clock: Clock;
}) {
  const { providers, settle, settleRefund, clock } = deps;

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
        if (reading.answer.outcome !== "unknown") await settle(reading.paymentId, reading.answer);
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
