import type { Tree } from "../tree.ts";

export interface TableRow {
  /** Counts from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** The rows of all tables of a page, without their rulers. */
export function tableRows(tree: Tree, path: string): TableRow[] {
  return tree
    .read(path)
    .split("\n")
    .map((text, index) => ({ text: text.trim(), line: index + 1 }))
    .filter(({ text }) => text.startsWith("|") && !/^[|\s:-]+$/.test(text))
    .map(({ text, line }) => ({
      line,
      cells: text
        .replace(/^\||\|$/g, "")
        .split("|")
        .map((cell) => cell.trim()),
    }));
}

/** What a cell shows as code: `` `name` `` → `name`. */
export function codeIn(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? "")?.[1];
}
