import assert from "node:assert/strict";
import { test } from "node:test";
import { spareTrail, strangerBudget, strangersMax } from "./spare-trail.ts";
import type { TrailEvent } from "./trail.ts";

const client = { country: "ZZ", userAgent: "", requestId: "r" };

function started() {
  const recorded: TrailEvent[] = [];
  let nowMs = 1_000_000;
  const trail = spareTrail({ record: (event) => void recorded.push(event) }, () => nowMs);
  return {
    refuse: (address: string, userId?: number, detail?: string) =>
      trail.record({ kind: "refresh_refused", userId, detail, client: { ...client, address } }),
    pass: (ms: number) => {
      nowMs += ms;
    },
    taken: () => recorded.splice(0).length,
    trail,
  };
}

test("of a stranger's refusals a burst is on record, then one each time; of others all are", () => {
  const { refuse, pass, taken, trail } = started();
  for (let i = 0; i < strangerBudget.burst + 30; i++) refuse("192.0.2.1");
  assert.equal(taken(), strangerBudget.burst);
  refuse("192.0.2.2");
  assert.equal(taken(), 1, "another address");
  for (let i = 0; i < 200; i++) refuse("192.0.2.1", 7);
  assert.equal(taken(), 200, "a user's own");
  refuse("192.0.2.1", 7, "auth.throttled");
  assert.equal(taken(), 0, "that a user is throttled");
  trail.record({ kind: "keys_rotated", client: { ...client, address: "192.0.2.1" } });
  assert.equal(taken(), 1, "what is no refusal");
  pass(strangerBudget.refillMs);
  refuse("192.0.2.1");
  refuse("192.0.2.1");
  assert.equal(taken(), 1);
});

test("so many addresses are remembered, the latest of them", () => {
  const { refuse, taken } = started();
  const exhaust = (address: string) => {
    for (let i = 0; i < strangerBudget.burst; i++) refuse(address);
  };
  exhaust("192.0.2.1");
  exhaust("192.0.2.2");
  for (let i = 0; i < strangersMax - 2; i++) refuse(`10.0.${i >> 8}.${i & 255}`);
  refuse("192.0.2.1");
  taken();
  refuse("198.51.100.1");
  refuse("192.0.2.1");
  assert.equal(taken(), 1, "the first was heard of again, and is still known");
  refuse("192.0.2.2");
  assert.equal(taken(), 1, "the second was forgotten");
});
