import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runCampaign } from "../policy-load/campaign.ts";
import { shareSystem } from "../src/journey-system.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

/** From when on a wrong verdict is an error: the bound of 50 ms is measured elsewhere, on a calm machine. */
const IN_FORCE_MS = 1_000;

let system: System;

before(async () => {
  system = await shareSystem(operatedShop);
});

after(async () => {
  await system?.close();
});

test("rules and bans come and go under load: no request fails, and no verdict is wrong after its time", async (t) => {
  const { edgeUrl, ops, operators } = system;
  const before = (await ops.get("/policy")).headers.get("etag") as string;
  const result = await runCampaign({
    edgeUrl,
    ...operators,
    publications: 20,
    bans: 4_000,
    bansPerBatch: 500,
    say: (text) => t.diagnostic(text),
  });
  const { requests, watched, denied, failed, failures, latenessMs } = result;
  t.diagnostic(`${requests} requests, ${watched} watched, ${latenessMs.length} behind their change`);
  const allowed = watched - denied;
  assert.ok(denied > 20 && allowed > 20, `${denied} were refused, ${allowed} allowed: too few to tell`);
  assert.deepEqual([failed, failures], [0, []]);
  assert.deepEqual(
    latenessMs.filter((ms) => ms > IN_FORCE_MS),
    [],
  );
  await ops.post(`/policy/revisions/${before.replaceAll('"', "")}/restore`);
});
