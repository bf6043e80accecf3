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

test("what was added is a member", () => {
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
});

/** With the last, few pass by chance: what passes are ids whose hashes are a member's. */
for (const [count, wanted] of [
  [1_000, 0.01],
  [20_000, 0.001],
  [1_000_000, 0.001],
  [50_000, 0.000_001],
] as const) {
  for (const apart of [1, 4_096, 9_000_000_011]) {
    test(`of ${count} ids, each ${apart} apart, ${wanted} of others pass`, (t) => {
      const shape = membershipShape(count, wanted);
      const bytes = new Uint8Array(shape.bits / 8);
      for (let n = 1; n <= count; n++) addMember(bytes, shape, n * apart);
      const asked = 800_000;
      let passing = 0;
      for (let n = 1; n <= asked; n++) {
        if (mayBeMember(bytes, shape, (count + n) * apart)) passing++;
      }
      t.diagnostic(`${passing} of ${asked} pass`);
      // Chance alone brings six more than expected of the smallest once in thousands of runs.
      assert.ok(passing < 1.15 * wanted * asked + 6, `${passing} of ${asked} pass, made for ${wanted}`);
      if (wanted * asked > 100) {
        assert.ok(passing > 0.8 * wanted * asked, "a filter that lets less pass is larger than it need be");
      }
    });
  }
}
