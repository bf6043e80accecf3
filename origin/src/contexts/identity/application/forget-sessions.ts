import type { Clock } from "../../../kernel/clock.ts";
import type { Sessions } from "./ports.ts";
import { type TrailRecords, trailLimits } from "./trail.ts";

export const forgetLimits = {
  intervalMs: 60_000,
  /** Sessions deleted by one statement: its locks are short. */
  batchMax: 500,
  /** A session is kept so long after its end, for whoever looks into what happened. */
  keptMs: 86_400_000,
} as const;

/** Deletes what ended long ago, so that the tables don't grow for ever. Returns how many. */
export async function forgetSessions(sessions: Pick<Sessions, "forget">, clock: Clock): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const batch = await sessions.forget(clock() - forgetLimits.keptMs, forgetLimits.batchMax);
    forgotten += batch;
    if (batch < forgetLimits.batchMax) return forgotten;
  }
}

/** The same for the trail, which is kept for as long as it is configured. */
export async function forgetTrail(
  trail: Pick<TrailRecords, "forget">,
  keptSeconds: number,
  clock: Clock,
): Promise<void> {
  const beforeMs = clock() - keptSeconds * 1_000;
  while ((await trail.forget(beforeMs, trailLimits.forgetBatchMax)) === trailLimits.forgetBatchMax);
}
