/** What the crowd met, counted as it happens. */
export type Kind = "honest" | "repeater" | "bot" | "denied";

export const KINDS: readonly Kind[] = ["honest", "repeater", "bot", "denied"];

/** Somebody in the sale, from their first answer until they were admitted to their piece, or left. Unix ms. */
export interface Stay {
  readonly kind: Kind;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly won: boolean;
}

export interface Second {
  admitted: number;
  confirmed: number;
  refused: number;
}

export interface Tally {
  readonly people: Record<Kind, number>;
  /** People who got something. */
  readonly winners: Record<Kind, number>;
  /** How long everybody was there for. */
  readonly stays: Stay[];
  /** Pieces that each user was told to have. */
  readonly got: Map<number, number>;
  requests: number;
  admitted: number;
  confirmed: number;
  /** Final outcomes of tickets. */
  readonly outcomes: Map<string, number>;
  /** `where code` → how often. */
  readonly refusals: Map<string, number>;
  readonly confirmMs: number[];
  /** When somebody was admitted, and when somebody was told that they bought, in order. Unix ms. */
  readonly admittedAtMs: number[];
  readonly confirmedAtMs: number[];
  readonly refuseMs: number[];
  /** By seconds since the start. */
  readonly seconds: Second[];
  startedAtMs: number;
}

export function newTally(): Tally {
  const none = () => ({ honest: 0, repeater: 0, bot: 0, denied: 0 });
  return {
    ...{ people: none(), winners: none(), stays: [], got: new Map() },
    ...{ requests: 0, admitted: 0, confirmed: 0 },
    ...{ outcomes: new Map(), refusals: new Map(), confirmMs: [], refuseMs: [] },
    ...{ admittedAtMs: [], confirmedAtMs: [], seconds: [], startedAtMs: 0 },
  };
}

export function count<K>(map: Map<K, number>, key: K, by = 1): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

export function secondOf(tally: Tally): Second {
  const at = Math.max(0, Math.floor((Date.now() - tally.startedAtMs) / 1_000));
  while (tally.seconds.length <= at) tally.seconds.push({ admitted: 0, confirmed: 0, refused: 0 });
  return tally.seconds[at] as Second;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** The longest time between two that follow each other. */
export function longestSilenceMs(times: readonly number[]): number {
  return times.reduce((longest, at, index) => Math.max(longest, at - (times[index - 1] ?? at)), 0);
}
