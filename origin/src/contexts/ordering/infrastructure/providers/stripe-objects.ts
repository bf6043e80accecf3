import Type, { type Static } from "typebox";
import type { ChargeOutcome, RefundOutcome } from "../../application/ports.ts";

/** What is read of Stripe's objects, in answers and in webhooks. */
export const PaymentIntent = Type.Object({
  id: Type.String({ pattern: "^pi_[\\w]{1,120}$" }),
  object: Type.Literal("payment_intent"),
  status: Type.String(),
  amount: Type.Integer(),
  amount_received: Type.Integer(),
  currency: Type.String({ minLength: 3, maxLength: 3 }),
  metadata: Type.Record(Type.String(), Type.String()),
});

export const StripeRefund = Type.Object({
  id: Type.String({ pattern: "^(re|pyr)_[\\w]{1,120}$" }),
  object: Type.Literal("refund"),
  status: Type.Union([Type.String(), Type.Null()]),
  amount: Type.Integer(),
  currency: Type.String({ minLength: 3, maxLength: 3 }),
  failure_reason: Type.Optional(Type.String()),
  metadata: Type.Record(Type.String(), Type.String()),
});

export const RefundList = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(StripeRefund),
  has_more: Type.Boolean(),
});

export type PaymentIntent = Static<typeof PaymentIntent>;
export type StripeRefund = Static<typeof StripeRefund>;

/** An intent that wants another method has been declined: each of ours is confirmed once. */
export function outcomeOfIntent(intent: PaymentIntent): ChargeOutcome {
  const { id: reference, status, amount, amount_received: received } = intent;
  const currency = intent.currency.toUpperCase();
  if (status === "succeeded") return { outcome: "succeeded", amountCents: received, currency, reference };
  if (status === "canceled" || status === "requires_payment_method") {
    return { outcome: "declined", amountCents: amount, currency, reference };
  }
  return { outcome: "unknown" };
}

export function outcomeOfRefund(refund: StripeRefund): RefundOutcome {
  const { id: reference, status, amount: amountCents, failure_reason: reason } = refund;
  const money = { amountCents, currency: refund.currency.toUpperCase(), reference };
  switch (status) {
    case "succeeded":
      return { outcome: "refunded", ...money };
    case "failed":
    case "canceled":
      return { outcome: "failed", ...money, reason: reason ?? status };
    case "pending":
    case "requires_action":
      return { outcome: "pending", ...money };
    default:
      return { outcome: "unknown" };
  }
}
