/**
 * Who got how much of what they should have got, if every buyer had the same chance at every moment. Shares of buyers who
 * bought do not tell: whoever comes at the start has ten times the chances of somebody who comes when nearly all is sold,
 * and bots come at the start. So each piece that was admitted is shared out among all who were there at that moment, and
 * what comes together for a kind of buyers is held against what they bought (the log-rank test of survival analysis).
 */
import { KINDS, type Kind, type Stay } from "./tally.ts";

export interface Chance {
  readonly bought: number;
  /** What they would have bought, had all who were there the same chance. */
  readonly expected: number;
}

/** Of a hundred thousand buyers some hundred come within it. */
const MOMENT_MS = 50;

export function chancesOf(stays: readonly Stay[], startedAtMs: number): Record<Kind, Chance> {
  const moment = (ms: number) => Math.max(0, Math.floor((ms - startedAtMs) / MOMENT_MS));
  const count = stays.reduce((most, { untilMs }) => Math.max(most, moment(untilMs)), 0) + 1;
  const row = () => new Float64Array(count + 1);
  const present = forEachKind(row);
  const won = row();
  const chances = forEachKind(() => ({ bought: 0, expected: 0 }));
  for (const stay of stays) {
    // Nobody sells to the denied, whatever the moment.
    if (stay.kind === "denied") continue;
    const line = present[stay.kind];
    const [from, until] = [moment(stay.fromMs), moment(stay.untilMs)];
    line[from] = (line[from] as number) + 1;
    line[until + 1] = (line[until + 1] as number) - 1;
    if (!stay.won) continue;
    won[until] = (won[until] as number) + 1;
    chances[stay.kind].bought += 1;
  }
  const here = forEachKind(() => 0);
  for (let at = 0; at < count; at++) {
    for (const kind of KINDS) here[kind] += present[kind][at] as number;
    const all = KINDS.reduce((sum, kind) => sum + here[kind], 0);
    if (all === 0) continue;
    for (const kind of KINDS) chances[kind].expected += ((won[at] as number) * here[kind]) / all;
  }
  return chances;
}

function forEachKind<T>(make: () => T): Record<Kind, T> {
  return { honest: make(), repeater: make(), bot: make(), denied: make() };
}

/** A kind of buyers may get so many times what they should have; beyond it their way of asking pays. */
export const ADVANTAGE_MAX = 1.5;
/** Chance alone brings more than that once in a thousand sales. */
const DEVIATIONS = 3;

/** Whether a kind bought more than chance explains, over {@link ADVANTAGE_MAX}. */
export function hasAdvantage({ bought, expected }: Chance): boolean {
  const fair = expected * ADVANTAGE_MAX;
  return bought > fair + DEVIATIONS * Math.sqrt(fair);
}
