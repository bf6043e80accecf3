import type { Clock } from "../../../kernel/clock.ts";
import { escalationLimits } from "../domain/ban-escalation.ts";
import type { AccessLists } from "./ports.ts";

export const forgetLimits = {
  intervalMs: 60_000,
  batchMax: 500,
  /**
   * An entry is kept so long after its end. Meanwhile its version keeps what arrives late from bringing it
   * back; nothing arrives as late as this.
   */
  keptMs: 3_600_000,
} as const;

export interface ForgetEntriesDependencies {
  readonly lists: Pick<AccessLists, "forgetEnded" | "forgetBans">;
  /** Takes the entries out of the projection. */
  readonly dropProjected: (ids: readonly number[]) => Promise<void>;
  readonly clock: Clock;
}

/**
 * Deletes what ended or was removed long ago, here and in Redis, so that bans that come and go don't pile up.
 * Redis comes first: when that fails the rows are still there and are tried again. Returns how many
 * entries; of bans that ended longer ago than they are remembered, the memory goes, too.
 */
export async function forgetEntries({
  lists,
  dropProjected,
  clock,
}: ForgetEntriesDependencies): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const batch = await lists.forgetEnded(
      clock() - forgetLimits.keptMs,
      forgetLimits.batchMax,
      dropProjected,
    );
    forgotten += batch;
    if (batch < forgetLimits.batchMax) break;
  }
  await forgetPastBans(lists, clock() - escalationLimits.rememberedMs);
  return forgotten;
}

async function forgetPastBans(lists: Pick<AccessLists, "forgetBans">, endedBeforeMs: number): Promise<void> {
  while ((await lists.forgetBans(endedBeforeMs, forgetLimits.batchMax)) === forgetLimits.batchMax);
}
