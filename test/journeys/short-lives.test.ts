/** Where orders expire within seconds: the life of one, then whatever is killed in the middle of it. */
import "./life-of-an-order.ts";
import "./faults.ts";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shareSystem } from "../src/journey-system.ts";
import type { System } from "../src/system.ts";

let system: System;

before(async () => {
  system = await shareSystem({ orderTtlSeconds: 3 });
});

after(async () => {
  await system?.close();
});

test("after all of it the books are right", async () => {
  const { code, output } = await system.audit();
  assert.equal(code, 0, output);
});
