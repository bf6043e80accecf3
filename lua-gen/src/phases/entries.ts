import ts from "typescript";
import { isOwn, type OwnFunction } from "./function-values.ts";
import { type Phase, parsePhases, phaseNames, unknownWord } from "./phase-sets.ts";
import { tagText } from "./tags.ts";

/** A function that nginx.conf calls, and when: `@phase access` above it. */
export interface Entry {
  readonly name: string;
  readonly run: OwnFunction;
  readonly phases: readonly Phase[];
}

/** Reads the tags of one file. `report` gets what can't be one. */
export function findEntries(file: ts.SourceFile, report: (at: ts.Node, message: string) => void): Entry[] {
  const entries: Entry[] = [];
  const visit = (node: ts.Node): void => {
    const entry = isTaggable(node) ? readEntry(node, report) : undefined;
    if (entry !== undefined) entries.push(entry);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return entries;
}

type Taggable =
  | ts.FunctionDeclaration
  | ts.MethodDeclaration
  | ts.PropertyAssignment
  | ts.VariableDeclaration;

function isTaggable(node: ts.Node): node is Taggable {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isPropertyAssignment(node) ||
    ts.isVariableDeclaration(node)
  );
}

function readEntry(node: Taggable, report: (at: ts.Node, message: string) => void): Entry | undefined {
  const text = tagText(node, "phase");
  if (text === undefined || node.name === undefined) return undefined;
  const phases = parsePhases(text);
  if (phases === undefined) {
    const wrong = text === "" ? "@phase names no phase." : `There is no phase "${unknownWord(text)}".`;
    report(node.name, `${wrong} There are: ${phaseNames.join(", ")}.`);
    return undefined;
  }
  const run = "initializer" in node ? node.initializer : node;
  if (run === undefined || !isOwn(run)) {
    report(node.name, "Only a function can have a @phase; write it where the function stands.");
    return undefined;
  }
  return { name: node.name.getText(), run, phases: [...phases] };
}
