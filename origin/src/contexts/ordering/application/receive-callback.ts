import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { orderingErrors } from "../errors.ts";
import type { PaymentProvider } from "./ports.ts";
import type { SettlePayment } from "./settle-payment.ts";

/** Believes a provider's callback when it is signed, and settles the payment that it speaks of. */
export function createReceiveCallback(deps: {
  provider: PaymentProvider;
  settle: SettlePayment;
  clock: Clock;
}) {
  const { provider, settle, clock } = deps;

  return async (providerName: string, body: Buffer, signature: string | undefined): Promise<void> => {
    if (providerName !== provider.name) throw new Refusal(orderingErrors.providerUnknown);
    const reading = provider.readCallback(body, signature, clock());
    switch (reading.outcome) {
      case "forged":
        throw new Refusal(orderingErrors.signatureInvalid, { detail: reading.detail });
      case "malformed":
        throw new Refusal(orderingErrors.callbackMalformed);
      case "event":
        if (reading.decision !== undefined) await settle(reading.paymentId, reading.decision);
    }
  };
}
