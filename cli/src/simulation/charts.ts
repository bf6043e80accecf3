/** Charts as SVG, in as little as a report needs. */

export interface Column {
  readonly name: string;
  readonly value: number;
}

/** Something that happened, in units of the columns. */
export interface Mark {
  readonly name: string;
  readonly at: number;
}

const WIDTH = 900;
const HEIGHT = 190;
/** Room for the axis below, and for the names of marks above. */
const BELOW = 18;
const ABOVE = 22;
const LABELS_MAX = 10;

export function columns(
  values: readonly Column[],
  { colour, unit, marks }: { colour: string; unit: string; marks: readonly Mark[] },
): string {
  const most = Math.max(1, ...values.map(({ value }) => value));
  const width = WIDTH / Math.max(1, values.length);
  const drawn = values.map(({ name, value }, index) => {
    const height = (value / most) * (HEIGHT - BELOW - ABOVE);
    const place = `x="${(index * width).toFixed(1)}" y="${(HEIGHT - BELOW - height).toFixed(1)}"`;
    const size = `width="${Math.max(1, width - 1).toFixed(1)}" height="${height.toFixed(1)}"`;
    return `<rect ${place} ${size} fill="${colour}"><title>${escaped(name)}: ${shown(value)}</title></rect>`;
  });
  const step = Math.max(1, Math.round(values.length / LABELS_MAX));
  const labels = values.flatMap((_, index) =>
    index % step === 0
      ? [`<text x="${(index * width + 2).toFixed(1)}" y="${HEIGHT - 5}">${index} ${unit}</text>`]
      : [],
  );
  const lines = marks.map(({ name, at }, index) => {
    const x = (at * width).toFixed(1);
    const y = 10 + 12 * (index % 3);
    return `<line x1="${x}" x2="${x}" y1="0" y2="${HEIGHT - BELOW}" stroke="#333" stroke-dasharray="3"/><text x="${Number(x) + 3}" y="${y}">${escaped(name)}</text>`;
  });
  const top = `<text x="${WIDTH - 4}" y="12" text-anchor="end">at most ${Math.round(most)}</text>`;
  return svg(HEIGHT, [...drawn, ...labels, ...lines, top]);
}

export function bars(values: readonly (readonly [string, number])[]): string {
  const most = Math.max(1, ...values.map(([, value]) => value));
  const drawn = values.map(([name, value], index) => bar(name, value, { most, at: index, colour: "#c55" }));
  return svg(values.length * ROW + 4, drawn);
}

export function pairs(
  values: readonly { readonly name: string; readonly bought: number; readonly expected: number }[],
): string {
  const most = Math.max(1, ...values.flatMap(({ bought, expected }) => [bought, expected]));
  const drawn = values.flatMap(({ name, bought, expected }, index) => [
    bar(`${name}: bought`, bought, { most, at: 2 * index, colour: "#2a7" }),
    bar(`${name}: by equal chances`, expected, { most, at: 2 * index + 1, colour: "#bbb" }),
  ]);
  return svg(2 * values.length * ROW + 4, drawn);
}

const ROW = 22;
const NAMES_WIDTH = 260;

function bar(
  name: string,
  value: number,
  { most, at, colour }: { most: number; at: number; colour: string },
): string {
  const y = at * ROW;
  const width = (value / most) * (WIDTH - NAMES_WIDTH - 80);
  return `<rect x="${NAMES_WIDTH}" y="${y + 3}" width="${width.toFixed(1)}" height="15" fill="${colour}"/><text x="4" y="${y + 15}">${escaped(name)}</text><text x="${(NAMES_WIDTH + 5 + width).toFixed(1)}" y="${y + 15}">${shown(value)}</text>`;
}

function svg(height: number, drawn: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}">${drawn.join("")}</svg>`;
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("--", "&#45;&#45;");
}
