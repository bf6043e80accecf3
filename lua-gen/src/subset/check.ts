import ts from "typescript";
import { type Fault, positionOf } from "../compile/fault.ts";
import { checkPhases } from "../phases/check-phases.ts";
import { applyAllowances } from "./allow.ts";
import { rules } from "./rules.ts";

/** Holds every source of the program, libraries excepted, against the {@link rules}, and the calls against the phases. */
export function checkSubset(program: ts.Program): Fault[] {
  const checker = program.getTypeChecker();
  const files = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file));
  const ofCalls = checkPhases(program, files);
  return files.flatMap((file) => {
    const own = ofCalls.filter((fault) => fault.file === file.fileName);
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
