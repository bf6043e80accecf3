import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import ts from "typescript";
import { positionOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";
import type { LuaFile } from "../compile/transpile.ts";
import { hotFunctionAround } from "./hot.ts";

export const libraryCallDiagnostic = { code: "LG011", title: "Library call in a hot function" } as const;

/**
 * Calls into TypeScriptToLua's library (`__TS__ArrayMap`) from functions marked @hot. Which expressions become one
 * only its output says; the source map leads back.
 */
export function findLibraryCalls(program: ts.Program, files: readonly LuaFile[]): Fault[] {
  return files.flatMap(({ path, text, map }) => {
    if (map === undefined || !text.includes("__TS__")) return [];
    const sourceMap = new SourceMap(JSON.parse(map) as SourceMapPayload);
    const found: Fault[] = [];
    for (const [index, line] of text.split("\n").entries()) {
      if (line.startsWith("local __TS__")) continue;
      for (const call of line.matchAll(/__TS__(\w+)\(/g)) {
        const entry = sourceMap.findEntry(index, call.index);
        if (!("originalSource" in entry)) continue;
        const source = program.getSourceFile(resolve(dirname(path), entry.originalSource));
        if (source === undefined) continue;
        const start = source.getPositionOfLineAndCharacter(entry.originalLine, entry.originalColumn);
        const node = nodeAt(source, start);
        if (hotFunctionAround(node) === undefined) continue;
        found.push({
          ...positionOf(source, start),
          code: libraryCallDiagnostic.code,
          message: message(call[1] ?? ""),
        });
      }
    }
    return found;
  });
}

function message(name: string): string {
  return (
    `This calls TypeScriptToLua's library (${name}), in a function marked @hot. Write the loop, ` +
    "use Lua's own string and table functions, or one of the cheap string calls of the README."
  );
}

/** The outermost node that starts there. */
function nodeAt(source: ts.SourceFile, start: number): ts.Node {
  let found: ts.Node = source;
  const visit = (node: ts.Node): void => {
    if (node.getStart(source) > start || node.getEnd() <= start) return;
    found = node;
    if (node.getStart(source) === start && node.kind !== ts.SyntaxKind.SourceFile) return;
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
