import Type, { type Static } from "typebox";
import { Value } from "typebox/value";
import { callbackFault } from "../../../platform/http/callback-signature.ts";
import type { Logger } from "../../../platform/logger.ts";
import { paymentLimits } from "../application/limits.ts";
import type {
  CallbackReading,
  ChargeDecision,
  ChargeOutcome,
  PaymentProvider,
} from "../application/ports.ts";
import type { Payment } from "../domain/payment.ts";

export interface SandboxOptions {
  readonly url: string;
  readonly secret: string;
  readonly callbackUrl: string;
  readonly logger: Logger;
}

const Charge = Type.Object({
  id: Type.String({ maxLength: 64 }),
  status: Type.Union([
    Type.Literal("pending"),
    Type.Literal("succeeded"),
    Type.Literal("declined"),
    Type.Literal("refunded"),
  ]),
  amountCents: Type.Integer({ minimum: 0 }),
  currency: Type.String({ minLength: 3, maxLength: 3 }),
  reference: Type.String({ maxLength: 128, pattern: "^[\\x21-\\x7e]*$" }),
});

type Charge = Static<typeof Charge>;

/** Speaks to `origin/sandbox/payments.ts`, a payment provider for development and for tests. */
export function sandboxProvider(options: SandboxOptions): PaymentProvider {
  const { secret, callbackUrl } = options;
  return {
    name: "sandbox",
    charge: async (payment) => {
      const { id, amountCents, currency, method } = payment;
      const answer = await ask(options, "POST", "/payments", {
        id,
        amountCents,
        currency,
        method,
        callbackUrl,
      });
      return answer === undefined || answer === "absent" ? { outcome: "unknown" } : outcomeOf(answer);
    },
    find: async (payment) => {
      const answer = await ask(options, "GET", path(payment));
      if (answer === undefined) return { outcome: "unknown" };
      return answer === "absent" ? { outcome: "absent" } : outcomeOf(answer);
    },
    refund: async (payment) => {
      const answer = await ask(options, "POST", `${path(payment)}/refund`, {
        amountCents: payment.amountCents,
      });
      const refunded = typeof answer === "object" && answer.status === "refunded";
      return { outcome: refunded ? "refunded" : "unknown" };
    },
    readCallback: (body, signature, nowMs) => {
      const fault = callbackFault(body, signature, secret, nowMs, paymentLimits.signatureToleranceMs);
      return fault === undefined ? readCallback(body) : { outcome: "forged", detail: fault };
    },
  };
}

/** Undefined when the provider did not answer in time, or with something that is no answer. */
async function ask(
  { url, secret, logger }: SandboxOptions,
  method: "GET" | "POST",
  path: string,
  body?: object,
): Promise<Charge | "absent" | undefined> {
  try {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(paymentLimits.providerTimeoutMs),
    });
    const text = await response.text();
    if (response.status === 404) return "absent";
    if (!response.ok) throw new Error(`answered ${response.status}`);
    if (text.length > paymentLimits.providerAnswerBytesMax) throw new Error("answered far too much");
    const charge: unknown = JSON.parse(text);
    if (!Value.Check(Charge, charge)) throw new Error("answered something else than a charge");
    return charge;
  } catch (error) {
    logger.warn({ method, path, err: (error as Error).message }, "the payment provider gave no answer");
    return undefined;
  }
}

function readCallback(body: Buffer): CallbackReading {
  let charge: unknown;
  try {
    charge = JSON.parse(body.toString("utf8"));
  } catch {
    return { outcome: "malformed" };
  }
  if (!Value.Check(Charge, charge)) return { outcome: "malformed" };
  const outcome = outcomeOf(charge);
  return {
    outcome: "event",
    paymentId: charge.id,
    decision: outcome.outcome === "unknown" ? undefined : outcome,
  };
}

function outcomeOf(charge: Charge): ChargeOutcome {
  if (charge.status === "pending") return { outcome: "unknown" };
  const { amountCents, currency, reference } = charge;
  // What is refunded had succeeded before.
  const outcome: ChargeDecision["outcome"] = charge.status === "declined" ? "declined" : "succeeded";
  return { outcome, amountCents, currency, reference };
}

function path(payment: Payment): string {
  return `/payments/${encodeURIComponent(payment.id)}`;
}
