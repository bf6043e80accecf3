import assert from "node:assert/strict";
import type {
  ChargeOutcome,
  PaymentProvider,
  RefundOutcome,
} from "../src/contexts/ordering/application/ports.ts";
import type { Payment } from "../src/contexts/ordering/domain/payment.ts";
import { attemptKey, type Refund } from "../src/contexts/ordering/domain/refund.ts";

/** What becomes of a question to the provider. */
export type Answer = "succeeded" | "declined" | "lost before" | "lost after";

/** A provider that does with each charge and refund what the run says, and remembers the money that it holds. */
export function scriptedProvider(nextAnswer: () => Answer) {
  const charges = new Map<string, { payment: Payment; state: "held" | "declined" }>();
  const refunds = new Map<string, { refund: Refund; paymentId: string; state: "paid back" | "failed" }>();
  const decision = (id: string): ChargeOutcome => {
    const charge = charges.get(id);
    if (charge === undefined) return { outcome: "unknown" };
    const { amountCents, currency } = charge.payment;
    const outcome = charge.state === "declined" ? "declined" : "succeeded";
    return { outcome, amountCents, currency, reference: id };
  };
  const answerTo = (key: string): RefundOutcome => {
    const known = refunds.get(key);
    if (known === undefined) return { outcome: "unknown" };
    const { amountCents, currency } = known.refund;
    const money = { amountCents, currency, reference: key };
    return known.state === "failed"
      ? { outcome: "failed", reason: "scripted", ...money }
      : { outcome: "refunded", ...money };
  };
  const provider: PaymentProvider = {
    name: "scripted",
    defaultMethod: undefined,
    takes: () => true,
    charge: async (payment, keep) => {
      assert.equal(await keep(payment.id).then(() => true), true);
      const answer = nextAnswer();
      if (answer === "lost before") return { outcome: "unknown" };
      const state = answer === "declined" ? "declined" : "held";
      if (!charges.has(payment.id)) charges.set(payment.id, { payment, state });
      return answer === "lost after" ? { outcome: "unknown" } : decision(payment.id);
    },
    find: async ({ id }) => (charges.has(id) ? decision(id) : { outcome: "absent" }),
    cancel: async (payment) => {
      if (nextAnswer() === "lost before") return { outcome: "unknown" };
      if (!charges.has(payment.id)) charges.set(payment.id, { payment, state: "declined" });
      return decision(payment.id);
    },
    refund: async (refund, { id: paymentId }) => {
      const key = attemptKey(refund);
      const answer = nextAnswer();
      if (answer === "lost before") return { outcome: "unknown" };
      const state = answer === "declined" ? "failed" : "paid back";
      if (!refunds.has(key)) refunds.set(key, { refund, paymentId, state });
      return answer === "lost after" ? { outcome: "unknown" } : answerTo(key);
    },
    readCallback: () => ({ outcome: "malformed" }),
  };
  return {
    provider,
    heldCents: () => {
      const held = [...charges.values()].filter(({ state }) => state === "held");
      const back = [...refunds.values()].filter(({ state }) => state === "paid back");
      for (const { payment } of held) {
        const own = back.filter(({ paymentId }) => paymentId === payment.id);
        const ownCents = own.reduce((sum, { refund }) => sum + refund.amountCents, 0);
        assert.ok(ownCents <= payment.amountCents, `more than payment ${payment.id} took went back`);
      }
      return (
        held.reduce((sum, { payment }) => sum + payment.amountCents, 0) -
        back.reduce((sum, { refund }) => sum + refund.amountCents, 0)
      );
    },
    /** What a callback would say now of one of the charges. What was declined may have been taken after all. */
    callback: (index: number) => {
      const charge = [...charges.values()][index % Math.max(charges.size, 1)];
      if (charge === undefined) return undefined;
      if (charge.state === "declined" && nextAnswer() === "succeeded") charge.state = "held";
      const told = decision(charge.payment.id);
      return told.outcome === "unknown" ? undefined : { id: charge.payment.id, decision: told };
    },
    /** The same of one of the refunds. What was paid back may have failed after all. */
    refundCallback: (index: number) => {
      const [key, refund] = [...refunds][index % Math.max(refunds.size, 1)] ?? [];
      if (key === undefined || refund === undefined) return undefined;
      if (refund.state === "paid back" && nextAnswer() === "declined") refund.state = "failed";
      return { key, answer: answerTo(key) };
    },
  };
}
