/**
 * A budget of attempts that refills by itself, as a generic cell rate algorithm: all that is kept is the moment at
 * which it will be full again. `attempts.lua` computes the same in Redis; one table of cases holds the two together.
 */
export interface AttemptBudget {
  readonly burst: number;
  readonly refillMs: number;
}

export interface Spending {
  /** 0: an attempt was taken. Otherwise none was left, and the next is there after this time. */
  readonly waitMs: number;
  readonly fullAtMs: number;
}

export function spend({ burst, refillMs }: AttemptBudget, fullAtMs: number, nowMs: number): Spending {
  const next = Math.max(fullAtMs, nowMs) + refillMs;
  const waitMs = next - burst * refillMs - nowMs;
  return waitMs > 0 ? { waitMs, fullAtMs } : { waitMs: 0, fullAtMs: next };
}

/** Puts back an attempt that was not one. */
export function giveBack({ refillMs }: AttemptBudget, fullAtMs: number): number {
  return fullAtMs - refillMs;
}
