/** The report as one HTML page that needs nothing else: charts are SVG. */
import { reportText, sectionsOf } from "./report.ts";
import type { SimulationResult } from "./sale-run.ts";
import { percentile } from "./tally.ts";

export function reportPage(result: SimulationResult): string {
  const { tally, plan } = result;
  const admitted = tally.seconds.map(({ admitted }) => admitted);
  const refused = tally.seconds.map(({ refused }) => refused);
  const shares = Array.from({ length: 100 }, (_, index) => percentile(tally.confirmMs, index / 100));
  const refusals = [...tally.refusals].toSorted(([, a], [, b]) => b - a).slice(0, 12);
  const tables = sectionsOf(result)
    .map(({ title, rows }) => `<h2>${escaped(title)}</h2><table>${rows.map(rowOf).join("")}</table>`)
    .join("\n");
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sale, seed ${plan.seed}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } td { padding: .1rem 1.5rem .1rem 0; vertical-align: top; }
svg { width: 100%; height: auto; background: #f7f7f9; } text { font-size: 11px; fill: #555; }
</style>
<h1>${plan.stock} pieces, ${plan.buyers} buyers</h1>
<h2>Admitted each second</h2>${columns(admitted, "#2a7")}
<h2>Refused each second</h2>${columns(refused, "#c55")}
<h2>Request to confirmed order, ms by percentile</h2>${columns(shares, "#47a")}
<h2>Refusals</h2>${bars(refusals)}
${tables}
<!--
${escaped(reportText(result))}
-->
</html>
`;
}

const WIDTH = 900;
const HEIGHT = 180;

function columns(values: readonly number[], colour: string): string {
  const most = Math.max(1, ...values);
  const width = WIDTH / Math.max(1, values.length);
  const drawn = values.map((value, index) => {
    const height = (value / most) * (HEIGHT - 30);
    const x = (index * width).toFixed(1);
    return `<rect x="${x}" y="${(HEIGHT - 15 - height).toFixed(1)}" width="${Math.max(1, width - 1).toFixed(1)}" height="${height.toFixed(1)}" fill="${colour}"/>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}">${drawn.join("")}<text x="4" y="12">${most.toFixed(0)}</text><text x="4" y="${HEIGHT - 3}">0</text><text x="${WIDTH - 30}" y="${HEIGHT - 3}">${values.length}</text></svg>`;
}

function bars(values: readonly (readonly [string, number])[]): string {
  const most = Math.max(1, ...values.map(([, value]) => value));
  const drawn = values.map(([name, value], index) => {
    const y = index * 22;
    return `<rect x="260" y="${y + 3}" width="${((value / most) * 560).toFixed(1)}" height="15" fill="#c55"/><text x="4" y="${y + 15}">${escaped(name)}</text><text x="${265 + (value / most) * 560}" y="${y + 15}">${value}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${values.length * 22 + 4}">${drawn.join("")}</svg>`;
}

function rowOf([name, value]: readonly [string, string]): string {
  return `<tr><td>${escaped(name)}</td><td>${escaped(value)}</td></tr>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("--", "&#45;&#45;");
}
