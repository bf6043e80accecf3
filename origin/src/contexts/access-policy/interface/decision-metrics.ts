import {
  COUNTER_COUNTRY,
  COUNTER_DECISION,
  COUNTER_OBSERVED,
  COUNTER_OTHER,
  COUNTER_SEPARATOR,
} from "@sluice/contract/decision-counters.ts";
import { gauge, type Metrics } from "../../../platform/http/metrics-route.ts";

/** What Prometheus calls a family: its name, its help, and what the parts of a counter's field are. */
const families = [
  {
    kind: COUNTER_DECISION,
    name: "sluice_access_decisions_total",
    help: "Access decisions of all edge workers.",
    labels: ["reason", "rule", "action", "status"],
  },
  {
    kind: COUNTER_COUNTRY,
    name: "sluice_access_decisions_by_country_total",
    help: "The same decisions by the country of the client address.",
    labels: ["country", "action"],
  },
  {
    kind: COUNTER_OBSERVED,
    name: "sluice_access_observed_total",
    help: "Matches of rules in mode observe, by what they would have done.",
    labels: ["rule", "action"],
  },
] as const;

export interface MetricsSource {
  /** Field → count, see `contract/src/decision-counters.ts`. */
  counters(): Promise<Record<string, string>>;
  recorded(): Promise<number>;
  revision(): Promise<number>;
}

export function decisionMetrics(source: MetricsSource): Metrics {
  return async () => {
    const [counters, recorded, revision] = await Promise.all([
      source.counters(),
      source.recorded(),
      source.revision(),
    ]);
    return [
      ...families.flatMap((family) => familyLines(family, counters)),
      "# HELP sluice_access_counted_otherwise_total Counts whose labels were too many to keep apart.",
      "# TYPE sluice_access_counted_otherwise_total counter",
      `sluice_access_counted_otherwise_total ${counters[COUNTER_OTHER] ?? 0}`,
      ...gauge("sluice_access_policy_revision", "The policy revision in force.", revision),
      ...gauge("sluice_access_decisions_recorded", "Decisions in the recorded sample.", recorded),
    ];
  };
}

function familyLines(
  { kind, name, help, labels }: (typeof families)[number],
  counters: Record<string, string>,
) {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} counter`];
  for (const [field, count] of Object.entries(counters).sort()) {
    const [fieldKind, ...values] = field.split(COUNTER_SEPARATOR);
    if (fieldKind !== kind) continue;
    const pairs = labels.map((label, at) => `${label}="${values[at] ?? ""}"`);
    lines.push(`${name}{${pairs.join(",")}} ${count}`);
  }
  return lines;
}
