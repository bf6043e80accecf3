import assert from "node:assert/strict";
import { test } from "node:test";
import { paymentLimits } from "../../application/limits.ts";
import { stripeSignatureFault } from "./stripe-webhook.ts";

/**
 * Vectors that no code of ours has made:
 *
 *     printf '1700000000.<body>' | openssl dgst -sha256 -hmac 'whsec_only_for_this_test'
 */
const SECRET = "whsec_only_for_this_test";
const SIGNED_S = 1_700_000_000;
const body = '{"id":"evt_1","object":"event"}';
const hex = "f2250b9ef95bf7aab7d430093c981ceeb59724f553ac4ff0685e2ac25567a432";
const withNote = '{"id":"evt_1","object":"event","note":"é"}';
const hexWithNote = "c419c1f2cfe7473c0d3a3ad74daedaf46608d57f3ccfb4c5a0d67337a245dffc";

const faultOf = (text: string, header: string | undefined, nowMs = SIGNED_S * 1_000, secrets = [SECRET]) =>
  stripeSignatureFault(Buffer.from(text), header, secrets, nowMs);

test("a signature that openssl made is right, for these bytes, by this secret, and for a while", () => {
  const header = `t=${SIGNED_S},v1=${hex}`;
  assert.equal(faultOf(body, header), undefined);
  assert.equal(faultOf(withNote, `t=${SIGNED_S},v1=${hexWithNote}`), undefined, "bytes, not characters");
  const rolled = `t=${SIGNED_S},v1=${"0".repeat(64)},v1=${hex},v0=${"1".repeat(64)}`;
  assert.equal(faultOf(body, rolled), undefined, "one of several is enough");
  assert.equal(faultOf(body, header, SIGNED_S * 1_000, ["whsec_other", SECRET]), undefined);
  const edgeMs = paymentLimits.signatureToleranceMs;
  for (const awayMs of [edgeMs, -edgeMs]) {
    assert.equal(faultOf(body, header, SIGNED_S * 1_000 + awayMs), undefined);
    assert.equal(faultOf(body, header, SIGNED_S * 1_000 + awayMs * 1.01), "the signature is too old");
  }
});

test("whatever differs is refused with what is wrong", () => {
  const wrong = "the signature is wrong";
  const form = "the header stripe-signature has another form than t=…,v1=…";
  const cases: [string, string | undefined, string][] = [
    [`${body} `, `t=${SIGNED_S},v1=${hex}`, wrong],
    [body, `t=${SIGNED_S + 1},v1=${hex}`, wrong],
    [body, `t=${SIGNED_S},v1=${hexWithNote}`, wrong],
    [body, `t=${SIGNED_S},v1=${hex.toUpperCase()}`, wrong],
    [body, `t=${SIGNED_S},v1=${hex.slice(0, -1)}`, wrong],
    [body, `t=${SIGNED_S},v0=${hex}`, form],
    [body, `v1=${hex}`, form],
    [body, `t=now,v1=${hex}`, form],
    [body, "", form],
    [body, undefined, "the header stripe-signature is missing"],
  ];
  for (const [text, header, fault] of cases) assert.equal(faultOf(text, header), fault, String(header));
  assert.equal(faultOf(body, `t=${SIGNED_S},v1=${hex}`, SIGNED_S * 1_000, ["whsec_other"]), wrong);
});
