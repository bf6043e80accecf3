/** The report as one HTML page that needs nothing else: charts are SVG. */
import { bars, type Column, columns, escaped, type Mark, pairs } from "./charts.ts";
import { reportText, sectionsOf } from "./report.ts";
import type { SimulationResult } from "./sale-run.ts";
import { KINDS, percentile } from "./tally.ts";

export function reportPage(result: SimulationResult): string {
  const { tally, plan, faults, kills } = result;
  const seconds = (read: (second: (typeof tally.seconds)[0]) => number): Column[] =>
    tally.seconds.map((second, index) => ({ name: `second ${index + 1}`, value: read(second) }));
  const shares = Array.from({ length: 101 }, (_, share) => ({
    name: `p${share}`,
    value: percentile(tally.confirmMs, share / 100),
  }));
  const refusals = [...tally.refusals].toSorted(([, a], [, b]) => b - a).slice(0, 12);
  const marks: Mark[] = kills.map(({ part, atMs }) => ({ name: `kill -9 ${part}`, at: atMs / 1_000 }));
  const tables = sectionsOf(result)
    .map(({ title, rows }) => `<h2>${escaped(title)}</h2>\n<table>${rows.map(rowOf).join("")}</table>`)
    .join("\n");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Flash sale, seed ${plan.seed}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { margin-bottom: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
td { padding: .1rem 1.5rem .1rem 0; vertical-align: top; } td:first-child { color: #555; white-space: nowrap; }
svg { width: 100%; height: auto; background: #f7f7f9; } text { font-size: 11px; fill: #555; }
.verdict { padding: .4rem .8rem; background: ${faults.length === 0 ? "#e4f4ec" : "#fbe3e3"}; }
</style>
<h1>${plan.stock} pieces, ${plan.buyers} buyers</h1>
<p class="verdict">${faults.length === 0 ? "All is well: sold is exactly what there was, and the audit is clean." : faults.map(escaped).join("<br>")}</p>
<h2>Admitted each second</h2>
${columns(
  seconds(({ admitted }) => admitted),
  { colour: "#2a7", unit: "s", marks },
)}
<h2>Refused each second</h2>
${columns(
  seconds(({ refused }) => refused),
  { colour: "#c55", unit: "s", marks },
)}
<h2>From the purchase to the confirmed order, ms by percentile</h2>
${columns(shares, { colour: "#47a", unit: "%", marks: [] })}
<h2>What each kind of buyers bought, and what equal chances would have brought them</h2>
${pairs(KINDS.map((kind) => ({ name: kind, ...result.chances[kind] })))}
<h2>Refusals, where and why</h2>
${bars(refusals)}
${tables}
<!--
${escaped(reportText(result))}
-->
</html>
`;
}

function rowOf([name, value]: readonly [string, string]): string {
  return `<tr><td>${escaped(name)}</td><td>${escaped(value)}</td></tr>`;
}
