import ts from "typescript";
import { type Fault, positionOf } from "../compile/fault.ts";
import { applyAllowances } from "./allow.ts";
import { rules } from "./rules.ts";

/** Holds every source of the program, libraries excepted, against the {@link rules}. */
export function checkSubset(program: ts.Program): Fault[] {
  const checker = program.getTypeChecker();
  const faults: Fault[] = [];
  for (const file of program.getSourceFiles()) {
    if (file.isDeclarationFile || program.isSourceFileFromExternalLibrary(file)) continue;
    faults.push(...applyAllowances(file, checkFile(file, checker)));
  }
  return faults;
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
