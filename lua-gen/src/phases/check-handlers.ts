import { join } from "node:path";
import ts from "typescript";
import { positionOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";
import { openProject, type Project } from "../compile/project.ts";
import { type ConfiguredEntry, configuredEntries } from "../nginx/handlers.ts";
import type { NginxConfig } from "../nginx/model.ts";
import { type Entry, findEntries } from "./entries.ts";

export const handlerDiagnostic = { code: "LG015", title: "Handler without its phase" } as const;

/**
 * Holds a configuration against the sources of its scripts: what nginx.conf calls must be exported, and must say
 * with `@phase` that it is called then, or nobody follows its calls. Modules that have no source in the project are
 * Lua from elsewhere, and not looked at. `project` is a tsconfig.json, or its folder.
 */
export function checkHandlers(project: string, config: NginxConfig): readonly Fault[] {
  const entries = configuredEntries(config);
  if (entries.length === 0) return [];
  const opened = openProject(project);
  if ("faults" in opened) return opened.faults;
  // Links each node to its parent, by which the tags above it are found.
  opened.project.program.getTypeChecker();
  return entries.flatMap((called) => {
    const file = sourceOf(called.module, opened.project);
    return file === undefined ? [] : faultsOf(called, file);
  });
}

function sourceOf(module: string, { program, rootDir }: Project): ts.SourceFile | undefined {
  const path = join(rootDir, ...module.split("."));
  return program.getSourceFile(`${path}.ts`) ?? program.getSourceFile(join(path, "index.ts"));
}

function faultsOf({ phase, module, entry }: ConfiguredEntry, file: ts.SourceFile): Fault[] {
  const declaration = exportedDeclaration(file, entry);
  if (declaration === undefined) {
    const message = `nginx.conf calls "${entry}" of ${module} in ${phase}, and the module exports no such function.`;
    return [faultAt(file, 0, message)];
  }
  // What is wrong with the tags themselves is for `check` to say.
  const tagged = findEntries(file, () => {}).find((found) => isAt(found, declaration));
  if (tagged?.phases.includes(phase)) return [];
  const message =
    `nginx.conf calls "${entry}" in ${phase}, and nothing says so: what it calls is not checked for that phase. ` +
    `Write /** @phase ${[...(tagged?.phases ?? []), phase].join(" ")} */ above it.`;
  return [faultAt(file, declaration.name?.getStart(file) ?? 0, message)];
}

function exportedDeclaration(
  file: ts.SourceFile,
  name: string,
): ts.FunctionDeclaration | ts.VariableDeclaration | undefined {
  for (const statement of file.statements) {
    if (!ts.canHaveModifiers(statement) || !ts.getModifiers(statement)?.some(isExport)) continue;
    if (ts.isFunctionDeclaration(statement) && statement.name?.text === name) return statement;
    if (!ts.isVariableStatement(statement)) continue;
    const found = statement.declarationList.declarations.find((one) => one.name.getText(file) === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isExport(modifier: ts.Modifier): boolean {
  return modifier.kind === ts.SyntaxKind.ExportKeyword;
}

function isAt({ run }: Entry, declaration: ts.Node): boolean {
  return run === declaration || run.parent === declaration;
}

function faultAt(file: ts.SourceFile, start: number, message: string): Fault {
  return { ...positionOf(file, start), code: handlerDiagnostic.code, message };
}
