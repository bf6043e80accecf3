/** A simulation's result, for people and as text. */
import { ADMITTED_IN_ORDER_MS } from "@sluice/contract/sale.ts";
import { ADVANTAGE_MAX } from "./chances.ts";
import type { SimulationResult } from "./sale-run.ts";
import { KINDS, longestSilenceMs, percentile } from "./tally.ts";

export function reportText(result: SimulationResult): string {
  return [...sectionsOf(result)]
    .map(({ title, rows }) =>
      [title, ...rows.map(([name, value]) => `  ${name.padEnd(34)} ${value}`)].join("\n"),
    )
    .join("\n\n");
}

export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}

export function sectionsOf(result: SimulationResult): Section[] {
  const { plan, tally, sale, fairness, chances, kills, faults } = result;
  const ms = (values: readonly number[], share: number) => `${percentile(values, share).toFixed(0)} ms`;
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
  const sections: Section[] = [
    {
      title: `Sale of ${plan.stock} pieces to ${plan.buyers} buyers, seed ${plan.seed}`,
      rows: [
        ["duration", `${result.durationSeconds.toFixed(1)} s`],
        ["requests", `${tally.requests}, ${(tally.requests / result.durationSeconds).toFixed(0)} a second`],
        ["admitted", String(tally.admitted)],
        ["sold", `${sale.tickets.CONFIRMED ?? 0} of ${plan.stock}, ${sale.pieces.available} left`],
        ["outcomes told", list(tally.outcomes)],
      ],
    },
    {
      title: "Times",
      rows: [
        ["request to confirmed order, p50", ms(tally.confirmMs, 0.5)],
        ["request to confirmed order, p99", ms(tally.confirmMs, 0.99)],
        ["request to confirmed order, longest", ms(tally.confirmMs, 1)],
        ["longest without an admission", `${longestSilenceMs(tally.admittedAtMs)} ms`],
        ["longest without a confirmation", `${longestSilenceMs(tally.confirmedAtMs)} ms`],
        ["refusal, p50", ms(tally.refuseMs, 0.5)],
        ["refusal, p99", ms(tally.refuseMs, 0.99)],
      ],
    },
    {
      title: "Refused, where and why",
      rows: [...tally.refusals]
        .toSorted(([, a], [, b]) => b - a)
        .map(([name, times]) => [name, String(times)] as const),
    },
    {
      title: "Fairness",
      rows: [
        ...KINDS.map(
          (kind) =>
            [
              `${kind} buyers`,
              `${tally.winners[kind]} of ${tally.people[kind]} bought, ${chances[kind].expected.toFixed(1)} by equal chances: ${times(chances[kind])}`,
            ] as const,
        ),
        ["advantage of any of them", `at most ${ADVANTAGE_MAX} times, besides what chance brings`],
        ["neighbours in the order of arrival", percent(fairness.inOrder)],
        [`overtaken by more than ${ADMITTED_IN_ORDER_MS} ms`, `${percent(fairness.overtaken)} (at most 1 %)`],
        ["overtaken by, p99 and most", `${fairness.overtakenMsP99} ms, ${fairness.overtakenMsMax} ms`],
      ],
    },
    {
      title: "Killed in the middle",
      rows: kills.map(({ part, atMs, admittedBefore, admittedAfter }) => [
        part,
        `after ${(atMs / 1_000).toFixed(1)} s, ${admittedBefore} admitted before and ${admittedAfter} after`,
      ]),
    },
    {
      title: faults.length === 0 ? "All is well" : "Not well",
      rows: [
        ["audit", result.audit.code === 0 ? "clean" : `exit code ${result.audit.code}`],
        ...faults.map((fault) => ["fault", fault] as const),
      ],
    },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

function times({ bought, expected }: { bought: number; expected: number }): string {
  return expected === 0 ? "-" : `${(bought / expected).toFixed(2)} times`;
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, times]) => `${times} ${name}`).join(", ") || "none";
}
