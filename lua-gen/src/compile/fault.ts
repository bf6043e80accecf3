import { relative } from "node:path";
import ts from "typescript";
import * as transformFactories from "typescript-to-lua/dist/transformation/utils/diagnostics.js";
import * as transpileFactories from "typescript-to-lua/dist/transpilation/diagnostics.js";

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

/** Every diagnostic becomes a fault, warnings too: what TypeScriptToLua only warns about is wrong Lua later. */
export function faultOf(diagnostic: ts.Diagnostic): Fault {
  const code = luaCodes.get(diagnostic.code) ?? `TS${diagnostic.code}`;
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n  ");
  if (diagnostic.file === undefined || diagnostic.start === undefined) return { code, message };
  return { ...positionOf(diagnostic.file, diagnostic.start), code, message };
}

/**
 * TypeScriptToLua numbers its diagnostics in the order in which its files happen to be loaded. Their names are what
 * stays.
 */
const luaCodes: ReadonlyMap<number, string> = new Map(
  [...Object.entries(transformFactories), ...Object.entries(transpileFactories)]
    // Beside the factories stands what CommonJS modules carry.
    .filter(([, factory]) => typeof factory === "function" && "code" in factory)
    .map(([name, factory]) => [(factory as { code: number }).code, `TL-${name}`]),
);

export function positionOf(
  file: ts.SourceFile,
  start: number,
): { file: string; line: number; column: number } {
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  return { file: file.fileName, line: line + 1, column: character + 1 };
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
