import ts from "typescript";
import { positionOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";
import type { LuaFile } from "../compile/transpile.ts";
import { checkPhases } from "../phases/check-phases.ts";
import { applyAllowances } from "./allow.ts";
import { findLibraryCalls } from "./library-calls.ts";
import { rules } from "./rules.ts";

/** Holds every source of the program, libraries excepted, and what became of it, against the rules and the phases. */
export function checkSubset(program: ts.Program, compiled: readonly LuaFile[]): Fault[] {
  const checker = program.getTypeChecker();
  const files = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file));
  const ofProgram = [...checkPhases(program, files), ...findLibraryCalls(program, compiled)];
  return files.flatMap((file) => {
    const own = ofProgram.filter((fault) => fault.file === file.fileName);
    return applyAllowances(file, [...checkFile(file, checker), ...own]);
  });
}

function checkFile(file: ts.SourceFile, checker: ts.TypeChecker): Fault[] {
  const faults: Fault[] = [];
  const visit = (node: ts.Node): void => {
    for (const rule of rules) {
      rule.visit(node, {
        checker,
        report: (at, message) => {
          faults.push({ ...positionOf(file, at.getStart(file)), code: rule.code, message });
        },
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return faults;
}
