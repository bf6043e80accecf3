import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addMember, mayBeMember, memberPositions, membershipShape } from "../src/membership.ts";
import { holds } from "./arbitraries.ts";
import { inEveryRuntime } from "./in-every-runtime.ts";

const { cases: assertCases, agree } = inEveryRuntime();

assertCases("who likes a product", [
  ["likes-page 0 20", '{"count":0,"items":[],"nextCursor":null}'],
  [
    "likes-page 3 2 17 1796083200123 9 951827696000 8 0",
    '{"count":3,"items":[{"userId":17,"likedAt":"2026-12-01T00:00:00.123Z"},' +
      '{"userId":9,"likedAt":"2000-02-29T12:34:56.000Z"}],"nextCursor":"951827696000-9"}',
  ],
  [
    "likes-page 4294967295 1 9007199254740991 253402300799999",
    '{"count":4294967295,"items":[{"userId":9007199254740991,"likedAt":"9999-12-31T23:59:59.999Z"}],"nextCursor":null}',
  ],
  ["likes-keys t: 7", "t:likes:7 t:likes:7:likers t:likes:7:former"],
  ["member-of 0", "0000000000000000 0"],
  ["member-of 170", "0000000000000170 170"],
  ["member-of 9007199254740991", "9007199254740991 9007199254740991"],
]);

test("every runtime writes instants as toISOString does", async (t) => {
  await holds(t, fc.integer({ min: 0, max: 253_402_300_799_999 }), async (ms) => {
    const [answer] = await agree([`instant-of\t${ms}`]);
    assert.equal(answer, new Date(ms).toISOString());
  });
});

test("every runtime puts an id in the same bits", async (t) => {
  const bytes = fc.integer({ min: 1, max: 2 ** 28 - 1 });
  const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  const any = fc.record({ bytes, hashes: fc.integer({ min: 1, max: 16 }), id });
  await holds(t, any, async ({ bytes: count, hashes, id: one }) => {
    const bits = count * 8;
    await agree([`positions\t${bits}\t${hashes}\t${one}`]);
    for (const position of memberPositions({ bits, hashes }, one)) {
      assert.ok(Number.isInteger(position) && position >= 0 && position < bits, String(position));
    }
  });
});

test("every runtime finds what it added", async () => {
  const [answer = ""] = await agree(["members\t9592\t7\t2\t1000"]);
  assert.match(answer, /^0 missing, \d{1,2} pass$/);
});

test("what was added is a member, and of the rest as many pass as the filter was made for", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), {
    minLength: 1,
    maxLength: 500,
  });
  fc.assert(
    fc.property(ids, fc.constantFrom(0.1, 0.01, 0.001), (members, falsePositives) => {
      const shape = membershipShape(members.length, falsePositives);
      const bytes = new Uint8Array(shape.bits / 8);
      for (const id of members) addMember(bytes, shape, id);
      for (const id of members) assert.ok(mayBeMember(bytes, shape, id), String(id));
    }),
  );
  for (const [count, wanted] of [
    [1_000, 0.01],
    [20_000, 0.001],
  ] as const) {
    const shape = membershipShape(count, wanted);
    const bytes = new Uint8Array(shape.bits / 8);
    for (let id = 1; id <= count; id++) addMember(bytes, shape, id);
    let passing = 0;
    const asked = 100_000;
    for (let i = 1; i <= asked; i++) if (mayBeMember(bytes, shape, count + i)) passing++;
    assert.ok(passing / asked < 1.5 * wanted, `${passing} of ${asked} pass, made for ${wanted}`);
    assert.ok(passing > 0, "a filter that lets nothing pass is larger than it need be");
  }
});
