import { createHmac, timingSafeEqual } from "node:crypto";

/** The header that carries a callback's signature. */
export const HEADER_SIGNATURE = "x-payment-signature";

/**
 * Signs a callback as payment providers do: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. The time
 * is signed too, so that a recorded callback is of no use later.
 */
export function signCallback(body: Buffer, secret: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000);
  return `t=${seconds},v1=${digest(body, secret, seconds).toString("hex")}`;
}

/** Undefined when the signature is right, else what is wrong with it. */
export function callbackFault(
  body: Buffer,
  header: string | undefined,
  secret: string,
  nowMs: number,
  toleranceMs: number,
): string | undefined {
  if (header === undefined) return `the header ${HEADER_SIGNATURE} is missing`;
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header);
  if (match === null) return `the header ${HEADER_SIGNATURE} has another form than t=…,v1=…`;
  const [, seconds = "", given = ""] = match;
  // Compared before the age is told: only the provider learns why its callback is refused.
  if (!timingSafeEqual(digest(body, secret, Number(seconds)), Buffer.from(given, "hex"))) {
    return "the signature is wrong";
  }
  if (Math.abs(nowMs - Number(seconds) * 1_000) > toleranceMs) return "the signature is too old";
  return undefined;
}

function digest(body: Buffer, secret: string, seconds: number): Buffer {
  return createHmac("sha256", secret).update(`${seconds}.`).update(body).digest();
}
