/**
 * What the access policy costs where requests don't show it: lookups among a million entries, the memory and the time
 * that these take, how long a request waits while they are loaded, and how soon a change is everywhere. What the
 * policy costs a request is in the suite `edge`.
 */
import { mixedBlocks } from "../proxies/population.ts";
import { onStage } from "../proxies/stage.ts";
import type { Measurement, Suite } from "../suite.ts";
import { measureLists } from "./lists.ts";
import { measureLookups } from "./lookups.ts";
import { measurePropagation } from "./propagation.ts";

const SAMPLES = 200;
const QUICK_SAMPLES = 10;

export const policySuite: Suite = {
  name: "policy",
  summary: "a million list entries: lookups, memory, loading, stalls; a change's way to four workers",
  run: async (options) => {
    const blocks = mixedBlocks();
    const onEdges = await onStage(1, async (stage): Promise<Measurement[]> => {
      options.progress("looking up addresses");
      const lookups = await measureLookups(stage.home.data, blocks);
      return [...lookups, ...(await measureLists(stage, blocks, options))];
    });
    options.progress("publishing rules and bans on a whole system with four workers");
    return [...onEdges, ...(await measurePropagation(options.quick ? QUICK_SAMPLES : SAMPLES))];
  },
};
