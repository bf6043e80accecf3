import { relative } from "node:path";

/** One thing that is wrong with the sources. Faults about the project as a whole have no file. */
export interface Fault {
  /** Absolute path. */
  readonly file?: string;
  /** Both count from 1. */
  readonly line?: number;
  readonly column?: number;
  /** `LG006` is ours, `TL-unsupportedNodeKind` TypeScriptToLua's, `TS2304` the TypeScript compiler's. */
  readonly code: string;
  readonly message: string;
}

/** `src/access.ts:12:7 - error LG001: …`, with the path as seen from the current folder. */
export function formatFault(fault: Fault): string {
  const place =
    fault.file === undefined ? "" : `${relative(process.cwd(), fault.file)}:${fault.line}:${fault.column} - `;
  return `${place}error ${fault.code}: ${fault.message}`;
}

/** By place, and one of each: the compiler and the transpiler may both report the same. */
export function sortFaults(faults: readonly Fault[]): Fault[] {
  const seen = new Map<string, Fault>();
  for (const fault of faults) seen.set(`${formatFault(fault)}`, fault);
  return [...seen.values()].sort(
    (a, b) =>
      (a.file ?? "").localeCompare(b.file ?? "") ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      a.code.localeCompare(b.code),
  );
}
