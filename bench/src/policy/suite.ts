/**
 * What the access policy costs where requests don't show it: lookups among a million entries, the memory and the time
 * that these take, how long a request waits while they are loaded, and how soon a change is everywhere. What the
 * policy costs a request is in the suite `edge`; and how long an operator waits for a dry run.
 */
import { mixedBlocks } from "../proxies/population.ts";
import { onStage } from "../proxies/stage.ts";
import type { Measurement, Suite, SuiteOptions } from "../suite.ts";
import { startWholeSystem } from "../whole-system.ts";
import { measureDryRun, RECORDED } from "./dry-run.ts";
import { measureLists } from "./lists.ts";
import { measureLookups } from "./lookups.ts";
import { measurePropagation, WORKERS } from "./propagation.ts";

const SAMPLES = 200;
const QUICK_SAMPLES = 10;
const QUICK_RECORDED = 20_000;

export const policySuite: Suite = {
  name: "policy",
  summary:
    "a million list entries: lookups, memory, loading, stalls; a change's way to four workers; a dry run",
  run: async (options) => {
    const blocks = mixedBlocks();
    const onEdges = await onStage(1, async (stage): Promise<Measurement[]> => {
      options.progress("looking up addresses");
      const lookups = await measureLookups(stage.home.data, blocks);
      return [...lookups, ...(await measureLists(stage, blocks, options))];
    });
    return [...onEdges, ...(await measureWhole(options))];
  },
};

async function measureWhole({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  progress(`starting a whole system with ${WORKERS} edge workers`);
  const recorded = quick ? QUICK_RECORDED : RECORDED;
  const system = await startWholeSystem({
    EDGE_WORKERS: String(WORKERS),
    EDGE_DECISIONS_MAX: String(RECORDED),
  });
  try {
    progress("publishing rules and bans");
    const propagation = await measurePropagation(system, quick ? QUICK_SAMPLES : SAMPLES);
    progress(`trying a draft on ${recorded} recorded decisions`);
    return [...propagation, ...(await measureDryRun(system, recorded))];
  } finally {
    await system.close();
  }
}
