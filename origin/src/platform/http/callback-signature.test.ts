import assert from "node:assert/strict";
import { test } from "node:test";
import { callbackFault, signCallback } from "./callback-signature.ts";

const body = Buffer.from('{"id":"a"}');
const secret = "a secret";
const signedAtMs = 1_700_000_000_999;
/** printf '1700000000.{"id":"a"}' | openssl dgst -sha256 -hmac "a secret" */
const signature = "t=1700000000,v1=07f61ed1196ef3ca319d5bd021916f2304ca32fb1468a569cc2842e039142d0b";
const toleranceMs = 60_000;

const faultOf = (given: string | undefined, atMs = signedAtMs, of = body) =>
  callbackFault(of, given, secret, atMs, toleranceMs);

test("a signature is what openssl says it is", () => {
  assert.equal(signCallback(body, secret, signedAtMs), signature);
  assert.equal(faultOf(signature), undefined);
});

const wrong: [string, string | undefined, RegExp][] = [
  ["no signature", undefined, /missing/],
  ["an empty one", "", /another form/],
  ["one of another scheme", signature.replace("v1", "v2"), /another form/],
  ["one with more behind it", `${signature},v1=${"0".repeat(64)}`, /another form/],
  ["one with a digit changed", `${signature.slice(0, -1)}${signature.endsWith("0") ? "1" : "0"}`, /wrong/],
  ["one with its time moved on", signature.replace("1700000000", "1700000001"), /wrong/],
];

for (const [what, given, fault] of wrong) {
  test(`${what} is refused`, () => assert.match(faultOf(given) ?? "", fault));
}

test("a signature is of one body, and for a while", () => {
  assert.match(faultOf(signature, signedAtMs, Buffer.from('{"id":"b"}')) ?? "", /wrong/);
  assert.equal(faultOf(signature, 1_700_000_000_000 + toleranceMs), undefined);
  assert.match(faultOf(signature, 1_700_000_000_001 + toleranceMs) ?? "", /too old/);
  assert.match(faultOf(signature, 1_699_999_999_999 - toleranceMs) ?? "", /too old/);
});
