import type { Measurement } from "./suite.ts";

const HEAD = ["", "median", "unit", "ratio", "lowest", "highest"];

/** For people: one line for each figure, aligned, the reference of each unit first and marked. */
export function formatTable(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ name, value, unit, reference, ratio, samples }) => [
    name,
    rounded(value),
    unit,
    name === reference ? "reference" : ratio.toFixed(2),
    rounded(Math.min(...samples)),
    rounded(Math.max(...samples)),
  ]);
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] as string).length)),
  );
  return [HEAD, ...rows].map((row) => aligned(row, widths)).join("\n");
}

/** Words to the left, figures to the right. */
function aligned(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => {
      const width = widths[column] as number;
      return column === 0 || column === 2 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join("  ")
    .trimEnd();
}

function rounded(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
