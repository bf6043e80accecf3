/** What is remembered of a block's bans. */
export interface PastBans {
  readonly bans: number;
  /** How long the last one was meant to be. */
  readonly lastMs: number;
  /** When it ends, or ended. */
  readonly endsAtMs: number;
}

const dayMs = 86_400_000;

export const escalationLimits = {
  /** No ban becomes longer by itself. */
  banMsMax: 30 * dayMs,
  /** So long after the end of the last one a block is a first offender again. */
  rememberedMs: 90 * dayMs,
} as const;

/**
 * How long the next ban of a block is: as long as was asked for, or twice as long as the last one when that is more.
 * What an operator asks for is never made shorter.
 */
export function nextBanMs(askedMs: number, past: PastBans | undefined, nowMs: number): number {
  if (past === undefined || nowMs - past.endsAtMs > escalationLimits.rememberedMs) return askedMs;
  return Math.max(askedMs, Math.min(past.lastMs * 2, escalationLimits.banMsMax));
}
