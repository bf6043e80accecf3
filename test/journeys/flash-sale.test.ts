/** A small sale through the whole system, while parts of it are killed in the middle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reportText } from "../../cli/src/simulation/report.ts";
import { simulateSale } from "../../cli/src/simulation/sale-run.ts";
import { GIVEN_SYSTEM } from "../src/system.ts";

/** It takes nearly a minute, which a whole run doesn't have left; `npx sluice simulate sale` does the same by hand. */
const skip =
  (GIVEN_SYSTEM && "a given system is not killed by its tests") ||
  (process.env.SLUICE_SALE === undefined && "runs when SLUICE_SALE is set");

test("a sale sells exactly what there is, whoever is killed meanwhile", { skip }, async () => {
  const result = await simulateSale({
    ...{ buyers: 400, stock: 80, perUser: 1, perSecond: 25, spreadSeconds: 2, seed: 7 },
    ...{ kills: ["redis", "worker"], connections: 40, patienceSeconds: 60 },
    say: () => undefined,
  });
  assert.deepEqual(result.faults, [], reportText(result));
});
