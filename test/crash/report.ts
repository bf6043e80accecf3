import type { Outage } from "./books.ts";
import type { Fault } from "./schedule.ts";

/** A round's fault, and how long it took from its end until everything was well again. */
export interface Hurt extends Outage {
  readonly fault: Fault;
  readonly recoveryMs: number;
}

/** What was done, what it cost, and how late orders expired (milliseconds, ascending). */
export function report(
  hurts: readonly Hurt[],
  latenessesMs: readonly number[],
  troubles: ReadonlyMap<string, number>,
  say: (line: string) => void,
): void {
  const late = (share: number) => seconds(at(latenessesMs, share));
  say(
    `${latenessesMs.length} orders expired: late by ${late(0.5)} (p50), ${late(0.99)} (p99), ${late(1)} (max)`,
  );
  const down = ascending(hurts.map(({ fromMs, untilMs }) => untilMs - fromMs));
  say(`outages: ${seconds(at(down, 0.5))} (median), ${seconds(at(down, 1))} (longest)`);
  const kinds = Map.groupBy(hurts, ({ fault: { kind, victim } }) => `${kind} ${victim}`);
  for (const [what, some] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const recoveries = ascending(some.map(({ recoveryMs }) => recoveryMs));
    const [p50, max] = [seconds(at(recoveries, 0.5)), seconds(at(recoveries, 1))];
    say(`  ${what.padEnd(18)} ${String(some.length).padStart(3)} ×, recovered in ${p50} (p50), ${max} (max)`);
  }
  const failed = [...troubles].map(([what, times]) => `${times} × ${what}`).join(", ");
  say(`requests without success meanwhile: ${failed === "" ? "none" : failed}`);
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

function at(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}
