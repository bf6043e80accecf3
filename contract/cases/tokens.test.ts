import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { areOurClaims } from "../src/token-claims.ts";
import { holds } from "./arbitraries.ts";
import { inEveryRuntime } from "./in-every-runtime.ts";

const { agree } = inEveryRuntime();

const SID = "0190f3a2-7b6c-7d4e-8f90-a1b2c3d4e5f6";
const good = { sid: SID, iss: "sluice", aud: "sluice", sub: "42", iat: 1_800_000_000, exp: 1_800_000_600 };

test("cookies are counted, and the first is found, whatever stands around them", async () => {
  const cases: [field: string, answer: string][] = [
    ["", "0 none"],
    ["a=1", "1 [1]"],
    ["a=", "1 []"],
    ["b=2; a=1", "1 [1]"],
    ["b=2;a=1;c=3", "1 [1]"],
    ["  a= 1  ; b=2", "1 [1]"],
    ["a=1; a=2", "2 [1]"],
    ["ba=1; b=a=1", "0 none"],
    ["b=x a=1", "0 none"],
    ["a =1", "0 none"],
    ["A=1", "0 none"],
    [";;a=1;;", "1 [1]"],
    ["a=1=2", "1 [1=2]"],
  ];
  const answers = await agree(cases.map(([field]) => `cookies\t${field}\ta`));
  assert.deepEqual(
    answers,
    cases.map(([, answer]) => answer),
  );
});

test("claims in our issuer's form are read", async () => {
  const [answer] = await agree([`claims\t${JSON.stringify(good)}\tsluice\tsluice`]);
  assert.equal(answer, `${SID} 42 until 1800000600`);
});

test("what is read of claims is what JSON says, and is accepted by whoever reads JSON", async (t) => {
  const text = JSON.stringify(good);
  const value = fc.oneof(
    fc.constantFrom("0", "042", "4 2", "1".repeat(15), "1".repeat(16), "-1", "", '"', "\\", "é", SID),
    fc.nat().map(String),
    fc.string({ maxLength: 40 }),
  );
  const changed = fc
    .record({ name: fc.constantFrom("sid", "iss", "aud", "sub"), value })
    .map((one) => JSON.stringify({ ...good, [one.name]: one.value }));
  const timed = fc
    .record({ iat: fc.oneof(fc.nat(), fc.double()), exp: fc.integer({ min: -5, max: 20_000_000_000 }) })
    .map((times) => JSON.stringify({ ...good, ...times }));
  const cut = fc
    .record({ at: fc.nat(text.length), drop: fc.nat(3), put: fc.string({ maxLength: 3 }) })
    .map(({ at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop));
  const more = fc.constantFrom(
    `${text} `,
    ` ${text}`,
    text.replace("}", ',"nbf":1}'),
    text.replaceAll(":", ": "),
  );
  const isLine = (one: string) => !/[\t\r\n\0]/.test(one);
  let read = 0;
  await holds(t, fc.oneof(changed, timed, cut, more, fc.constant(text)).filter(isLine), async (payload) => {
    const [answer = ""] = await agree([`claims\t${payload}\tsluice\tsluice`]);
    if (answer === "other") return;
    read += 1;
    const claims = JSON.parse(payload) as Record<string, unknown>;
    assert(areOurClaims(claims, "sluice", "sluice"));
    assert.equal(claims.nbf, undefined);
    assert.equal(answer, `${claims.sid} ${claims.sub} until ${claims.exp}`);
  });
  assert(read > 0);
});

test("names that JSON would escape are left to the reader of JSON", async () => {
  const strange = { ...good, iss: 'a"b', aud: "é" };
  assert.deepEqual(await agree([`claims\t${JSON.stringify(strange)}\ta"b\té`]), ["other"]);
});
