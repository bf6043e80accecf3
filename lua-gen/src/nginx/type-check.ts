import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { faultOf } from "../compile/diagnostic.ts";
import type { Fault } from "../compile/fault.ts";

/** With the separator: whatever begins so is lua-gen's own. */
const ownSources = fileURLToPath(new URL("..", import.meta.url));

/**
 * How Node runs TypeScript: types are taken off, imports end in `.ts`. It is a program of its own because the
 * scripts' tsconfig describes Lua, which has neither `process` nor `import.meta`.
 */
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  lib: ["lib.es2024.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
};

/** The configuration that belongs to a tsconfig.json: `nginx.ts` beside it. */
export function configurationBeside(configFile: string): string | undefined {
  const file = join(dirname(configFile), "nginx.ts");
  return existsSync(file) ? file : undefined;
}

/**
 * What the compiler says of a configuration and of all that it imports. Node runs it without asking: a member that
 * the model doesn't have would be missing in nginx.conf, and nobody would be told. Files of `scripts`, and of
 * packages, are for others to check.
 */
export function checkConfigurationTypes(path: string, scripts?: ts.Program): Fault[] {
  if (!/\.m?ts$/.test(path)) return [];
  const file = resolve(path);
  const program = ts.createProgram({ rootNames: [file], options: { ...options, types: [nodeTypes(file)] } });
  const isOthers = (one: ts.SourceFile) =>
    one.isDeclarationFile ||
    one.fileName.startsWith(ownSources) ||
    one.fileName.includes(`${sep}node_modules${sep}`) ||
    scripts?.getSourceFile(one.fileName) !== undefined;
  return program
    .getSourceFiles()
    .filter((one) => !isOthers(one))
    .flatMap((one) => [...program.getSyntacticDiagnostics(one), ...program.getSemanticDiagnostics(one)])
    .map(faultOf);
}

/** Those of the project, which knows its Node; else the ones that lua-gen brings along. */
function nodeTypes(file: string): string {
  for (const place of [file, import.meta.filename]) {
    try {
      return dirname(createRequire(place).resolve("@types/node/package.json"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  throw new Error("@types/node is missing, on which lua-gen depends: install it anew");
}
