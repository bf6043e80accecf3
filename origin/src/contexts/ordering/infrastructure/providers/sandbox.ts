import Type, { type Static } from "typebox";
import { Value } from "typebox/value";
import { callbackFault, HEADER_SIGNATURE } from "../../../../platform/http/callback-signature.ts";
import type { Logger } from "../../../../platform/logger.ts";
import { paymentLimits } from "../../application/limits.ts";
import type {
  CallbackReading,
  ChargeOutcome,
  PaymentProvider,
  RefundOutcome,
} from "../../application/ports.ts";
import type { Payment } from "../../domain/payment.ts";
import { attemptKey } from "../../domain/refund.ts";
import { callProvider } from "./call.ts";

export interface SandboxOptions {
  readonly url: string;
  readonly secret: string;
  readonly callbackUrl: string;
  readonly logger: Logger;
}

const Amount = Type.Integer({ minimum: 0 });
const Currency = Type.String({ minLength: 3, maxLength: 3 });
const Reference = Type.String({ maxLength: 128, pattern: "^[\\x21-\\x7e]*$" });

const Charge = Type.Object({
  id: Type.String({ maxLength: 64 }),
  status: Type.Union([Type.Literal("pending"), Type.Literal("succeeded"), Type.Literal("declined")]),
  amountCents: Amount,
  currency: Currency,
  reference: Reference,
});

const RefundAnswer = Type.Object({
  refundId: Type.String({ maxLength: 64 }),
  status: Type.Union([Type.Literal("pending"), Type.Literal("succeeded"), Type.Literal("failed")]),
  amountCents: Amount,
  currency: Currency,
  reference: Reference,
});

type Charge = Static<typeof Charge>;
type RefundAnswer = Static<typeof RefundAnswer>;

/** Speaks to `origin/sandbox/payments.ts`, a payment provider for development and for tests. */
export function sandboxProvider(options: SandboxOptions): PaymentProvider {
  const { secret, callbackUrl } = options;
  return {
    name: "sandbox",
    defaultMethod: "sandbox",
    // What it does not know it declines.
    takes: () => true,
    // It knows the charge by our id from the beginning.
    charge: async ({ id, amountCents, currency, method }) =>
      chargeIn(await ask(options, "POST", "/payments", { id, amountCents, currency, method, callbackUrl })),
    find: async (payment) => {
      const answer = await ask(options, "GET", path(payment));
      return answer?.status === 404 ? { outcome: "absent" } : chargeIn(answer);
    },
    cancel: async (payment) => {
      const { amountCents, currency, method } = payment;
      const unknownYet = { amountCents, currency, method, callbackUrl };
      return chargeIn(await ask(options, "POST", `${path(payment)}/cancel`, unknownYet));
    },
    refund: async (refund, payment) => {
      const id = attemptKey(refund);
      const { amountCents, currency } = refund;
      const answer = await ask(options, "POST", `${path(payment)}/refunds`, { id, amountCents });
      if (answer?.status === 422) {
        return { outcome: "failed", amountCents, currency, reference: undefined, reason: "refused" };
      }
      return answer?.status === 200 && Value.Check(RefundAnswer, answer.json)
        ? refundOutcome(answer.json)
        : { outcome: "unknown" };
    },
    readCallback: (body, header, nowMs) => {
      const signature = header(HEADER_SIGNATURE);
      const fault = callbackFault(body, signature, secret, nowMs, paymentLimits.signatureToleranceMs);
      return fault === undefined ? readCallback(body) : { outcome: "forged", detail: fault };
    },
  };
}

function ask({ url, secret, logger }: SandboxOptions, method: "GET" | "POST", path: string, body?: object) {
  return callProvider({
    method,
    url: new URL(path, url),
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    logger,
  });
}

function chargeIn(answer: { status: number; json: unknown } | undefined): ChargeOutcome {
  if (answer?.status !== 200 || !Value.Check(Charge, answer.json)) return { outcome: "unknown" };
  return chargeOutcome(answer.json);
}

function readCallback(body: Buffer): CallbackReading {
  let event: unknown;
  try {
    event = JSON.parse(body.toString("utf8"));
  } catch {
    return { outcome: "malformed" };
  }
  if (Value.Check(RefundAnswer, event)) {
    return { outcome: "refund", attemptKey: event.refundId, answer: refundOutcome(event) };
  }
  if (!Value.Check(Charge, event)) return { outcome: "malformed" };
  return { outcome: "charge", paymentId: event.id, answer: chargeOutcome(event) };
}

function chargeOutcome({ status, amountCents, currency, reference }: Charge): ChargeOutcome {
  return status === "pending"
    ? { outcome: "unknown" }
    : { outcome: status, amountCents, currency, reference };
}

function refundOutcome({ status, amountCents, currency, reference }: RefundAnswer): RefundOutcome {
  const money = { amountCents, currency, reference };
  if (status === "failed") return { outcome: "failed", reason: "the sandbox failed it", ...money };
  return { outcome: status === "pending" ? "pending" : "refunded", ...money };
}

function path(payment: Payment): string {
  return `/payments/${encodeURIComponent(payment.id)}`;
}
