/** Kills in the middle of the selling: each falls when a share of the stock was admitted, so none comes before or after. */
import { setTimeout as delay } from "node:timers/promises";
import type { PartName } from "../system/parts.ts";
import type { ThrowawaySystem } from "../system/throwaway.ts";
import type { SimulationPlan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Tally } from "./tally.ts";

export interface Killed {
  readonly part: PartName;
  /** Since the start. */
  readonly atMs: number;
  readonly admittedBefore: number;
  /** Until all was over. */
  admittedAfter: number;
}

const LOOK_MS = 5;

export function scheduleKills(
  system: ThrowawaySystem,
  { kills: parts, stock }: SimulationPlan,
  random: Random,
  tally: Tally,
  say: (text: string) => void,
) {
  const killed: Killed[] = [];
  let open = true;
  const waiting = random.shuffled(parts).map((part, index) => ({
    part,
    from: Math.ceil(((index + 0.1 + 0.7 * random.next()) / (parts.length + 0.5)) * stock),
  }));

  const watch = async () => {
    for (const { part, from } of waiting) {
      while (open && tally.admitted < from) await delay(LOOK_MS);
      if (!open) return;
      // The part may be on its way up after an earlier kill of what it needs.
      if (!kill(system, part)) continue;
      const atMs = Date.now() - tally.startedAtMs;
      say(`${(atMs / 1_000).toFixed(1)} s  kill -9 ${part}, ${tally.admitted} admitted`);
      killed.push({ part, atMs, admittedBefore: tally.admitted, admittedAfter: 0 });
    }
  };
  const watching = watch();
  return {
    killed,
    done: async () => {
      open = false;
      await watching;
      for (const one of killed) one.admittedAfter = tally.admitted - one.admittedBefore;
    },
  };
}

/** By the process id that the system has written down, and no other. */
function kill(system: ThrowawaySystem, part: PartName): boolean {
  try {
    process.kill(system.pidOf(part), "SIGKILL");
    return true;
  } catch (error) {
    if (["ESRCH", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
