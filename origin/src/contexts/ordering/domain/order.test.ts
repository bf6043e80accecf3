import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeLines, type Price, priceLines } from "./order.ts";

const line = fc.record({
  productId: fc.integer({ min: 1, max: 8 }),
  quantity: fc.integer({ min: 1, max: 9 }),
});
const euros = (cents: number): Price => ({ priceCents: cents, currency: "EUR" });

test("merged lines have each product once, by its id, with all of its pieces", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 50 }), (lines) => {
      const merged = mergeLines(lines);
      const ids = merged.map(({ productId }) => productId);
      assert.deepEqual(
        ids,
        [...new Set(lines.map(({ productId }) => productId))].sort((a, b) => a - b),
      );
      for (const { productId, quantity } of merged) {
        const pieces = lines.filter((one) => one.productId === productId).map((one) => one.quantity);
        assert.equal(
          quantity,
          pieces.reduce((a, b) => a + b),
        );
      }
    }),
  );
});

test("the order of lines does not matter", () => {
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      assert.deepEqual(mergeLines(lines), mergeLines([...lines].reverse()));
    }),
  );
});

const prices = new Map([
  [1, euros(250)],
  [2, euros(1_000)],
  [3, { priceCents: 5, currency: "JPY" }],
]);
const cases = [
  { lines: [{ productId: 1, quantity: 3 }], outcome: "priced", totalCents: 750 },
  {
    lines: [
      { productId: 1, quantity: 3 },
      { productId: 2, quantity: 1 },
    ],
    outcome: "priced",
    totalCents: 1_750,
  },
  { lines: [{ productId: 1, quantity: 11 }], outcome: "quantity-too-large" },
  { lines: [{ productId: 9, quantity: 1 }], outcome: "product-unknown" },
  {
    lines: [
      { productId: 1, quantity: 1 },
      { productId: 9, quantity: 1 },
    ],
    outcome: "product-unknown",
  },
  {
    lines: [
      { productId: 1, quantity: 1 },
      { productId: 3, quantity: 1 },
    ],
    outcome: "currency-mixed",
  },
];

for (const { lines, outcome, totalCents } of cases) {
  test(`${JSON.stringify(lines)} is ${outcome}`, () => {
    const priced = priceLines(lines, prices, 10);
    assert.equal(priced.outcome, outcome);
    if (priced.outcome === "priced") assert.equal(priced.totalCents, totalCents);
  });
}
