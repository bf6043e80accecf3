import assert from "node:assert/strict";
import { test } from "node:test";
import { BOUND_MS, Ledger } from "./ledger.ts";

/** Prices 1 to 3 of product 7, acknowledged at 1,000, 2,000 and 10,000 ms. */
function written(): Ledger {
  const ledger = new Ledger();
  ledger.acknowledge("/products/7", 1, 1_000);
  ledger.acknowledge("/products/7", 2, 2_000);
  ledger.acknowledge("/products/7", 3, 10_000);
  return ledger;
}

test("what is true, or newer than what was acknowledged, is not stale", () => {
  const ledger = written();
  ledger.judge("/products/7", 2, 9_999, 1);
  ledger.judge("/products/7", 3, 9_999, 2);
  ledger.judge("/products/7", 2, 10_000, 2);
  assert.deepEqual([ledger.broken, ledger.staleMs, ledger.reads], [[], [], 3]);
});

test("what was replaced within the bound is measured, and what was before it is broken", () => {
  const ledger = written();
  ledger.judge("/products/7", 1, 2_000 + BOUND_MS, 1);
  assert.deepEqual([ledger.broken, ledger.staleMs], [[], [BOUND_MS]]);
  ledger.judge("/products/7", 1, 2_001 + BOUND_MS, 1);
  assert.deepEqual(ledger.broken, ["/products/7 was 1, 1001 ms after 2"]);
});

test("a worker that shows an older value than it has shown is broken, at once", () => {
  const ledger = written();
  ledger.judge("/products/7", 1, 2_000, 2);
  assert.deepEqual(ledger.broken, ["/products/7 went back from 2 to 1 in one worker"]);
});

test("an outage excuses what is read in it, and nothing before or after", () => {
  const ledger = written();
  ledger.outages.push({ fromMs: 5_000, toMs: 6_000 });
  ledger.judge("/products/7", 1, 5_000, 2);
  ledger.judge("/products/7", 1, 5_999 + BOUND_MS, 2);
  assert.deepEqual([ledger.broken, ledger.staleMs], [[], []]);
  ledger.judge("/products/7", 1, 4_999, 2);
  ledger.judge("/products/7", 1, 6_000 + BOUND_MS, 2);
  assert.equal(ledger.broken.length, 4);
});

test("what was written in an outage, or between two that follow each other, is to be seen when they are over", () => {
  const ledger = written();
  ledger.outages.push({ fromMs: 1_500, toMs: 2_500 }, { fromMs: 3_000, toMs: 4_000 });
  ledger.judge("/products/7", 1, 4_000 + 2 * BOUND_MS, 1);
  assert.deepEqual(ledger.broken, []);
  ledger.judge("/products/7", 1, 4_001 + 2 * BOUND_MS, 1);
  assert.equal(ledger.broken.length, 1);
});
