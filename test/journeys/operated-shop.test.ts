/**
 * Where orders outlive the tests: its operators at work, what the shop is asked for that it cannot give, and rules and
 * bans under load. The operators come first: after a rush the edge records one request of many, and they count them.
 */
import "./operators.ts";
import "./geo-fence.ts";
import "./generated-policies.ts";
import "./ordering.ts";
import "./policy-under-load.ts";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shareSystem } from "../src/journey-system.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

let system: System;

before(async () => {
  system = await shareSystem(operatedShop);
});

after(async () => {
  await system?.close();
});

test("after all of it the books are right", async () => {
  const { code, output } = await system.audit();
  assert.equal(code, 0, output);
});
