import { createHmac, timingSafeEqual } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import { paymentLimits } from "../../application/limits.ts";
import type { CallbackReading } from "../../application/ports.ts";
import { outcomeOfIntent, outcomeOfRefund, PaymentIntent, StripeRefund } from "./stripe-objects.ts";

/**
 * Undefined when the signature is right, else what is wrong with it: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, each `v1` an
 * HMAC-SHA256 of `<t>.<body>` by one of the endpoint's secrets. What other schemes say (`v0`) does not count.
 */
export function stripeSignatureFault(
  body: Buffer,
  header: string | undefined,
  secrets: readonly string[],
  nowMs: number,
): string | undefined {
  if (header === undefined) return "the header stripe-signature is missing";
  const parts = header.split(",").map((part) => part.split("=", 2) as [string, string | undefined]);
  const seconds = parts.find(([name]) => name === "t")?.[1];
  const given = parts.filter(([name]) => name === "v1").map(([, value = ""]) => value);
  if (seconds === undefined || !/^\d{1,12}$/.test(seconds) || given.length === 0) {
    return "the header stripe-signature has another form than t=…,v1=…";
  }
  const right = secrets.some((secret) => {
    const expected = createHmac("sha256", secret).update(`${seconds}.`).update(body).digest();
    return given.some(
      (hex) => /^[0-9a-f]{64}$/.test(hex) && timingSafeEqual(expected, Buffer.from(hex, "hex")),
    );
  });
  if (!right) return "the signature is wrong";
  const ageMs = nowMs - Number(seconds) * 1_000;
  return Math.abs(ageMs) > paymentLimits.signatureToleranceMs ? "the signature is too old" : undefined;
}

const Event = Type.Object({
  object: Type.Literal("event"),
  type: Type.String(),
  data: Type.Object({ object: Type.Object({ object: Type.String() }) }),
});

/**
 * Events come more than once and in any order; each carries the object as it was then. That does no harm: a success
 * counts whenever it is told, and a refund's attempt is named in its metadata. Objects without our metadata are somebody
 * else's, made in the dashboard or by another program.
 */
export function readStripeWebhook(body: Buffer): CallbackReading {
  let event: unknown;
  try {
    event = JSON.parse(body.toString("utf8"));
  } catch {
    return { outcome: "malformed" };
  }
  if (!Value.Check(Event, event)) return { outcome: "malformed" };
  const { object } = event.data;
  if (object.object === "payment_intent") {
    if (!Value.Check(PaymentIntent, object)) return { outcome: "malformed" };
    // Made a moment ago, and not confirmed: that says nothing of what becomes of it.
    if (event.type === "payment_intent.created") return { outcome: "ignored" };
    const { payment } = object.metadata;
    if (payment === undefined) return { outcome: "ignored" };
    return { outcome: "charge", paymentId: payment, answer: outcomeOfIntent(object) };
  }
  if (object.object === "refund") {
    if (!Value.Check(StripeRefund, object)) return { outcome: "malformed" };
    const { refund } = object.metadata;
    if (refund === undefined) return { outcome: "ignored" };
    return { outcome: "refund", attemptKey: refund, answer: outcomeOfRefund(object) };
  }
  return { outcome: "ignored" };
}
