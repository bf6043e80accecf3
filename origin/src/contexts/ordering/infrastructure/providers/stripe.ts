import Type, { type Static } from "typebox";
import { Value } from "typebox/value";
import type { Logger } from "../../../../platform/logger.ts";
import { paymentLimits } from "../../application/limits.ts";
import type { ChargeOutcome, PaymentProvider, RefundOutcome } from "../../application/ports.ts";
import type { Payment } from "../../domain/payment.ts";
import { attemptKey } from "../../domain/refund.ts";
import { callProvider, type ProviderAnswer } from "./call.ts";
import {
  outcomeOfIntent,
  outcomeOfRefund,
  PaymentIntent,
  RefundList,
  StripeRefund,
} from "./stripe-objects.ts";
import { readStripeWebhook, stripeSignatureFault } from "./stripe-webhook.ts";

export interface StripeOptions {
  readonly url: string;
  readonly secretKey: string;
  /** More than one while the endpoint's secret is rolled. */
  readonly webhookSecrets: readonly string[];
  readonly logger: Logger;
}

/** The version whose shapes are read here; sent with every call, whatever the account's own is. */
const API_VERSION = "2025-03-31.basil";

/**
 * A confirmation by the card's owner happens in the browser, with Stripe's own script; there is nobody at this API to
 * whom it could be handed on. So a card that wants one is declined, and the customer is told why.
 */
const confirmationCodes: ReadonlySet<string> = new Set([
  "payment_intent_action_required",
  "requires_action_not_handled",
  "authentication_required",
]);

const Failure = Type.Object({
  error: Type.Object({
    type: Type.String(),
    code: Type.Optional(Type.String()),
    payment_intent: Type.Optional(Type.Unknown()),
  }),
});

/**
 * Stripe, by its Payment Intents and Refunds.
 *
 * A charge has two steps: an intent is made, which takes no money; its id is kept; and only then it is confirmed. So an
 * attempt whose id we don't have was never confirmed, and one whose id we have is looked up by it, which Stripe answers
 * with what it has now. Its search by metadata lags behind by up to a minute, so it is not asked.
 *
 * A refund that was asked for and not answered is looked for among those of its intent before it is asked for again:
 * Stripe forgets keys after a day, and would pay back twice.
 *
 * Stripe refuses an Idempotency-Key that comes again with another call or with other parameters, so each kind of call has
 * keys of its own, and its parameters come from the payment's row alone, which doesn't change.
 */
export function stripeProvider(options: StripeOptions): PaymentProvider {
  const { webhookSecrets } = options;
  const read = async (reference: string) =>
    intentOutcome(await ask(options, `/v1/payment_intents/${reference}`, undefined));
  return {
    name: "stripe",
    defaultMethod: undefined,
    takes: (method) => /^pm_\w+$/.test(method),
    charge: async (payment, keep) => {
      const reference = payment.providerReference ?? (await makeIntent(options, payment));
      if (typeof reference !== "string") return reference;
      if (!(await keep(reference))) return { outcome: "unknown" };
      const params = { payment_method: payment.method, error_on_requires_action: "true" };
      const key = `${payment.id}.confirm`;
      const answer = await ask(options, `/v1/payment_intents/${reference}/confirm`, params, key);
      if (!isRefused(answer)) return intentOutcome(answer);
      const became = await read(reference);
      return became.outcome === "declined" && confirmationCodes.has(errorOf(answer)?.code ?? "")
        ? { ...became, wantsConfirmation: true }
        : became;
    },
    find: async ({ providerReference }) => {
      if (providerReference === undefined) return { outcome: "absent" };
      const answer = await ask(options, `/v1/payment_intents/${providerReference}`, undefined);
      const intent = intentIn(answer);
      return intent?.status === "requires_confirmation" ? { outcome: "absent" } : intentOutcome(answer);
    },
    cancel: async (payment) => {
      const { providerReference: reference, amountCents, currency } = payment;
      // Never confirmed, and never will be: `keep` refuses an attempt that is over.
      if (reference === undefined) {
        return { outcome: "declined", amountCents, currency, reference: "never-confirmed" };
      }
      const key = `${payment.id}.cancel`;
      const answer = await ask(options, `/v1/payment_intents/${reference}/cancel`, {}, key);
      return isRefused(answer) ? read(reference) : intentOutcome(answer);
    },
    refund: async (refund, payment) => {
      const { amountCents, currency, providerReference } = refund;
      // A call that is repeated gets the first answer again, so what became of it is read.
      if (providerReference !== undefined) {
        return refundOutcome(await ask(options, `/v1/refunds/${providerReference}`, undefined));
      }
      const key = attemptKey(refund);
      const known = await findRefund(options, payment, key);
      if (known !== "none") return known;
      const params = {
        payment_intent: payment.providerReference ?? "",
        amount: String(amountCents),
        "metadata[refund]": key,
      };
      const answer = await ask(options, "/v1/refunds", params, `${key}.refund`);
      if (!isRefused(answer)) return refundOutcome(answer);
      const reason = errorOf(answer)?.code ?? "refused";
      return { outcome: "failed", amountCents, currency, reference: undefined, reason };
    },
    readCallback: (body, header, nowMs) => {
      const fault = stripeSignatureFault(body, header("stripe-signature"), webhookSecrets, nowMs);
      return fault === undefined ? readStripeWebhook(body) : { outcome: "forged", detail: fault };
    },
  };
}

/** What became of an attempt to pay back that Stripe has heard of. Its list is as true as its single objects are. */
async function findRefund(
  options: StripeOptions,
  payment: Payment,
  key: string,
): Promise<RefundOutcome | "none"> {
  let after = "";
  for (let page = 0; page < paymentLimits.refundPagesMax; page++) {
    const query = new URLSearchParams({ payment_intent: payment.providerReference ?? "", limit: "100" });
    if (after !== "") query.set("starting_after", after);
    const answer = await ask(options, `/v1/refunds?${query}`, undefined);
    if (answer?.status !== 200 || !Value.Check(RefundList, answer.json)) return { outcome: "unknown" };
    const { data, has_more: more } = answer.json;
    const own = data.find(({ metadata }) => metadata.refund === key);
    if (own !== undefined) return outcomeOfRefund(own);
    after = data.at(-1)?.id ?? "";
    if (!more || after === "") return "none";
  }
  return { outcome: "unknown" };
}

/** The intent's id; or what to make of it that there is none. */
async function makeIntent(options: StripeOptions, payment: Payment): Promise<string | ChargeOutcome> {
  const { id, amountCents, currency, method } = payment;
  const params = {
    amount: String(amountCents),
    currency: currency.toLowerCase(),
    payment_method: method,
    "payment_method_types[]": "card",
    "metadata[payment]": id,
  };
  const answer = await ask(options, "/v1/payment_intents", params, `${id}.create`);
  const intent = intentIn(answer);
  if (intent !== undefined) return intent.id;
  if (!isRefused(answer)) return { outcome: "unknown" };
  return { outcome: "declined", amountCents, currency, reference: errorOf(answer)?.code ?? "refused" };
}

function ask(
  { url, secretKey, logger }: StripeOptions,
  path: string,
  params: Readonly<Record<string, string>> | undefined,
  idempotencyKey?: string,
): Promise<ProviderAnswer | undefined> {
  return callProvider({
    method: params === undefined ? "GET" : "POST",
    url: new URL(path, url),
    headers: {
      authorization: `Bearer ${secretKey}`,
      "stripe-version": API_VERSION,
      ...(params === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
    },
    ...(params === undefined ? {} : { body: new URLSearchParams(params).toString() }),
    logger,
  });
}

/**
 * Refused for good, by what was asked for. A key that came with other parameters says that something is wrong with us,
 * not that no money was taken; and so does a secret key that is not accepted.
 */
function isRefused(answer: ProviderAnswer | undefined): boolean {
  const error = errorOf(answer);
  if (answer === undefined || error === undefined) return false;
  return [400, 402, 404].includes(answer.status) && error.type !== "idempotency_error";
}

function errorOf(answer: ProviderAnswer | undefined): Static<typeof Failure>["error"] | undefined {
  return Value.Check(Failure, answer?.json) ? answer.json.error : undefined;
}

function intentIn(answer: ProviderAnswer | undefined): Static<typeof PaymentIntent> | undefined {
  return answer?.status === 200 && Value.Check(PaymentIntent, answer.json) ? answer.json : undefined;
}

function intentOutcome(answer: ProviderAnswer | undefined): ChargeOutcome {
  const intent = intentIn(answer);
  return intent === undefined ? { outcome: "unknown" } : outcomeOfIntent(intent);
}

function refundOutcome(answer: ProviderAnswer | undefined): RefundOutcome {
  const refund = answer?.status === 200 && Value.Check(StripeRefund, answer.json) ? answer.json : undefined;
  return refund === undefined ? { outcome: "unknown" } : outcomeOfRefund(refund);
}
