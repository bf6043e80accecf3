import assert from "node:assert/strict";
import { test } from "node:test";
import { GIVEN_SYSTEM } from "../src/system.ts";
import { runCampaign } from "./campaign.ts";

/** One of each kind. `npm run test:coherence -- --faults 100` goes on for longer. */
const FAULTS = Number(process.env.SLUICE_COHERENCE_FAULTS ?? 3);
const skip = GIVEN_SYSTEM ? "a given system is not killed by its tests" : false;

test("whatever is killed, no worker shows what is too old, nor goes back", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000);
  const outcome = await runCampaign({ seed, faults: FAULTS, say: (line) => t.diagnostic(line) });
  const { reads, writes, staleMs, broken } = outcome;
  t.diagnostic(
    `${reads} reads, ${writes} writes; stale reads p99 ${staleMs.p99} ms, at most ${staleMs.max} ms`,
  );
  assert.deepEqual(broken, [], `seed ${seed}`);
  assert.ok(reads > 100 && writes > 50, `${reads} reads, ${writes} writes`);
});
