import ts from "typescript";
import * as transformFactories from "typescript-to-lua/dist/transformation/utils/diagnostics.js";
import * as transpileFactories from "typescript-to-lua/dist/transpilation/diagnostics.js";
import type { Fault } from "./fault.ts";

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
