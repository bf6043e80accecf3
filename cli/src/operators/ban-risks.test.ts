import assert from "node:assert/strict";
import { test } from "node:test";
import { type BanPreview, banRisks } from "./ban-risks.ts";

const harmless: BanPreview = { allowListed: [], allowListedCount: 0, recorded: 1_000, hit: 50 };

test("a ban that hits nobody who matters has no risks", () => {
  assert.deepEqual(banRisks(harmless, "5"), []);
  assert.deepEqual(banRisks({ ...harmless, recorded: 0, hit: 0 }, "5"), []);
});

test("too large a share of the recent traffic is one, of too few requests it is none", () => {
  assert.deepEqual(banRisks({ ...harmless, hit: 51 }, "5"), [
    "it hits 5.1 % of the last 1000 recorded requests; more than 5 %",
  ]);
  assert.deepEqual(banRisks({ ...harmless, hit: 51 }, "10"), []);
  assert.deepEqual(banRisks({ ...harmless, recorded: 99, hit: 99 }, "5"), []);
});

test("allow-listed blocks are named, the first of them", () => {
  const entry = (cidr: string) => ({ cidr, reason: cidr === "10.0.0.1" ? "monitoring" : "" });
  const allowListed = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(entry);
  assert.deepEqual(banRisks({ ...harmless, allowListed, allowListedCount: 30 }, "5"), [
    "it meets the allow list, which wins over it: 10.0.0.1 (monitoring), 10.0.0.2, 10.0.0.3 and 27 more",
  ]);
});

test("a share that is no percentage is refused", () => {
  assert.throws(() => banRisks(harmless, "many"), /not a percentage/);
});
