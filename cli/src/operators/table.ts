/** Columns as wide as their widest cell; numbers stand at the right. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => String(row[at]).length)));
  const isNumber = head.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === "number"));
  const line = (cells: readonly (string | number)[]) =>
    cells
      .map((cell, at) => {
        const text = String(cell);
        const width = widths[at] as number;
        return isNumber[at] ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [head, ...rows].map(line).join("\n");
}
