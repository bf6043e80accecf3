import assert from "node:assert/strict";
import { test } from "node:test";
import { GIVEN_SYSTEM } from "../src/system.ts";
import { runCampaign } from "./campaign.ts";
import { schedule } from "./schedule.ts";

/** `npm run test:crash -- --rounds 200` does the same without a test around it. Eight take a minute. */
const ROUNDS = Number(process.env.SLUICE_CRASH_ROUNDS ?? 8);
const skip = GIVEN_SYSTEM ? "a given system is not killed by its tests" : false;

test("a seed stands for its rounds, and another for others", () => {
  assert.deepEqual(schedule(7, 50), schedule(7, 50));
  assert.notDeepEqual(schedule(7, 50), schedule(8, 50));
  const hurt = new Set(schedule(7, 200).map(({ fault }) => `${fault.kind} ${fault.victim}`));
  assert.equal(hurt.size, 7 + 7 + 4 + 4, "every fault comes up in a long campaign");
});

test(`${ROUNDS} rounds of kill -9, pauses and cut connections: every promise is kept`, {
  skip,
}, async (context) => {
  const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000);
  const outcome = await runCampaign({ rounds: ROUNDS, seed, say: (line) => context.diagnostic(line) });
  assert.deepEqual(outcome.broken, [], `seed ${seed}`);
  assert.equal(outcome.roundsSurvived, ROUNDS, `seed ${seed}`);
  assert.ok(outcome.orders > ROUNDS);
});
