import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import * as tstl from "typescript-to-lua";
import { faultOf } from "./diagnostic.ts";
import type { Fault } from "./fault.ts";
import type { SourceCache } from "./source-cache.ts";

export interface Project {
  readonly program: ts.Program;
  /** The tsconfig.json, absolute. */
  readonly configFile: string;
  /** Absolute; everything that the build writes lies under it. */
  readonly outDir: string;
  /** Absolute; a source at `<rootDir>/a/b.ts` becomes `<outDir>/a/b.lua`, required as `a.b`. */
  readonly rootDir: string;
}

/**
 * What lua-gen decides for every project, whatever its tsconfig says. LuaJIT is what nginx runs; functions take
 * no hidden `self`, because nearly all of the nginx API is plain functions; our own header replaces TSTL's.
 */
const fixedOptions: tstl.CompilerOptions = {
  luaTarget: tstl.LuaTarget.LuaJIT,
  noImplicitSelf: true,
  noHeader: true,
  sourceMap: true,
  inlineSourceMap: false,
  sourceMapTraceback: false,
  noEmit: false,
  declaration: false,
  incremental: false,
  composite: false,
  strict: true,
};

/**
 * Reads a tsconfig (a file, or the folder it lies in) and makes the program. Nothing is checked yet. Who opens the
 * same project again and again passes the same `cache`: unchanged files are then not read anew.
 */
export function openProject(
  path: string,
  cache?: SourceCache,
): { project: Project } | { faults: readonly Fault[] } {
  const configFile = locateConfig(resolve(path));
  if (configFile === undefined) {
    return { faults: [{ code: "LG901", message: `there is no tsconfig.json at ${resolve(path)}` }] };
  }
  const parsed = tstl.parseConfigFileWithSystem(configFile, fixedOptions);
  if (parsed.errors.length > 0) return { faults: parsed.errors.map(faultOf) };
  const options = parsed.options;
  options.luaLibImport ??= tstl.LuaLibImportKind.RequireMinimal;
  const { outDir } = options;
  if (outDir === undefined) {
    return { faults: [{ code: "LG902", message: `${configFile}: compilerOptions.outDir is missing` }] };
  }
  const program = createProgram(parsed.fileNames, options as ts.CompilerOptions, cache);
  const rootDir = options.rootDir ?? join(configFile, "..");
  return { project: { program, configFile, outDir: resolve(outDir), rootDir: resolve(rootDir) } };
}

function createProgram(
  rootNames: readonly string[],
  options: ts.CompilerOptions,
  cache: SourceCache | undefined,
): ts.Program {
  if (cache === undefined) return ts.createProgram({ rootNames, options });
  const host = cache.host(options);
  return ts.createProgram({ rootNames, options, host });
}

function locateConfig(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).isFile()) return path;
  const file = join(path, "tsconfig.json");
  return existsSync(file) ? file : undefined;
}
