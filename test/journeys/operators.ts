import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../src/eventually.ts";
import { shareSystem } from "../src/journey-system.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

const ADDRESS_IN_JAPAN = "133.1.1.1";
const ADDRESS_IN_GERMANY = "46.4.0.1";
const PROPAGATION_MS = 1_000;
/** Recorded within a quarter of a second, counted within one; twice that for a noisy machine. */
const RECORDED_MS = 2_000;

let system: System;

before(async () => {
  system = await shareSystem(operatedShop);
});

after(async () => {
  await system?.close();
});

test("a rule is tried on the record, explained, published, watched and taken back", async () => {
  const { edge, ops } = system;
  const path = "/products?limit=3";
  const before = await ops.get("/policy");
  const revision = before.headers.get("etag") as string;
  const since = new Date().toISOString();
  for (let i = 0; i < 6; i++) assert.equal((await edge.get(path, { from: ADDRESS_IN_JAPAN })).status, 200);
  for (let i = 0; i < 4; i++) assert.equal((await edge.get(path, { from: ADDRESS_IN_GERMANY })).status, 200);

  const draft = {
    rules: [
      {
        id: "no-asia",
        match: { continent: ["AS"], pathPrefix: "/products", not: { cidr: ["133.1.1.128/25"] } },
        action: "deny",
        mode: "enforce",
        status: 451,
      },
    ],
    default: "allow",
  };
  const report = await eventually("all are recorded", RECORDED_MS, async () => {
    const { body } = await ops.post("/policy/dry-run", { document: draft, since });
    return body.requests === 10 ? body : undefined;
  });
  assert.deepEqual([report.deniedToday, report.deniedByDraft, report.changes.count], [0, 6, 6]);
  assert.equal(report.changes.examples[0].ip, ADDRESS_IN_JAPAN);

  await ops.put("/policy", draft, { headers: { "if-match": revision } });
  const answerTo = async (from: string) => (await edge.get(path, { from })).status;
  for (const [from, status] of [
    [ADDRESS_IN_JAPAN, 451],
    ["133.1.1.129", 200],
    [ADDRESS_IN_GERMANY, 200],
  ] as const) {
    await eventually(`${from} gets ${status}`, PROPAGATION_MS, async () =>
      (await answerTo(from)) === status ? true : undefined,
    );
    const { body } = await ops.post("/policy/explain", {
      ip: from,
      method: "GET",
      path,
      host: "shop.example",
    });
    assert.equal(body.action === "deny" ? body.status : 200, status, "explained as the edge does it");
  }

  const denied = await eventually("the denial is listed", RECORDED_MS, async () => {
    const { body } = await ops.get("/decisions?rule=no-asia&limit=1");
    return body.decisions[0];
  });
  assert.deepEqual([denied.ip, denied.status, denied.path], [ADDRESS_IN_JAPAN, 451, "/products"]);
  await eventually("the denial is counted", RECORDED_MS, async () => {
    const { body } = await ops.get("/metrics");
    return /sluice_access_decisions_total\{reason="rule",rule="no-asia",action="deny",status="451"\} \d+/.test(
      body,
    )
      ? true
      : undefined;
  });

  const restored = await ops.post(`/policy/revisions/${revision.replaceAll('"', "")}/restore`);
  assert.equal(restored.status, 200);
  await eventually("everybody may pass again", PROPAGATION_MS, async () =>
    (await answerTo(ADDRESS_IN_JAPAN)) === 200 ? true : undefined,
  );
});
