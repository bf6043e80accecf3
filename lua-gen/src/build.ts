import ts from "typescript";
import { faultOf } from "./compile/diagnostic.ts";
import { type Fault, sortFaults } from "./compile/fault.ts";
import { openProject, type Project } from "./compile/project.ts";
import type { SourceCache } from "./compile/source-cache.ts";
import { type LuaFile, transpile } from "./compile/transpile.ts";
import { writeOutputs } from "./compile/write.ts";
import { checkConfigurationTypes, configurationBeside } from "./nginx/type-check.ts";
import { checkSubset } from "./subset/check.ts";

export interface BuildOptions {
  /** A tsconfig.json, or the folder that it lies in. */
  readonly project: string;
  /** For those who build the same project again and again. */
  readonly cache?: SourceCache;
  /** Type-checks the `nginx.ts` beside the tsconfig.json too, if there is one. */
  readonly withConfiguration?: boolean;
  /**
   * Leaves out whether types fit, which is about half of the work: for sources that were checked before, as where a
   * system is only started. What can't be read, and the rules of the subset, are reported all the same.
   */
  readonly noCheck?: boolean;
}

export interface BuildResult {
  /** Sorted by place. When there is any, nothing was written. */
  readonly faults: readonly Fault[];
  /** Every Lua file of the project, absolute. */
  readonly files: readonly string[];
  /** Those of them whose content changed. */
  readonly written: readonly string[];
  /** Lua files of earlier builds that no source produces any more. */
  readonly removed: readonly string[];
  /** Every file that the result depends on, but what comes from node_modules; also when there are faults. */
  readonly sources: readonly string[];
}

/** Compiles a project to Lua. */
export function build(options: BuildOptions): BuildResult {
  const compiled = compile(options);
  const sources = compiled.project === undefined ? [] : ownSources(compiled.project);
  if ("faults" in compiled) return { faults: compiled.faults, files: [], written: [], removed: [], sources };
  const { written, removed } = writeOutputs(compiled.project.outDir, compiled.files);
  return { faults: [], files: compiled.files.map((file) => file.path), written, removed, sources };
}

/** Finds what {@link build} would refuse, and writes nothing. */
export function check(options: BuildOptions): { faults: readonly Fault[] } {
  const compiled = compile(options);
  return { faults: "faults" in compiled ? compiled.faults : [] };
}

/** All faults of all stages at once: who fixes one type error should not discover the subset only then. */
function compile(
  options: BuildOptions,
): { faults: readonly Fault[]; project?: Project } | { project: Project; files: readonly LuaFile[] } {
  const opened = openProject(options.project, options.cache);
  if ("faults" in opened) return opened;
  const { project } = opened;
  const typed = diagnosticsOf(project.program, options.noCheck === true)
    .filter(concernsLua)
    .map(faultOf);
  const transpiled = transpileLeniently(project, typed.length > 0);
  const subset = checkSubset(project.program, transpiled.files);
  const isChecked = options.withConfiguration === true && options.noCheck !== true;
  const beside = isChecked ? configurationBeside(project.configFile) : undefined;
  const configured = beside === undefined ? [] : checkConfigurationTypes(beside, project.program);
  const known = [...typed, ...configured, ...subset];
  const faults = [...known, ...transpiled.faults.filter((fault) => !isSaidBetter(fault, known))];
  return faults.length > 0 ? { faults: sortFaults(faults), project } : { project, files: transpiled.files };
}

function diagnosticsOf(program: ts.Program, noCheck: boolean): readonly ts.Diagnostic[] {
  if (!noCheck) return ts.getPreEmitDiagnostics(program);
  return [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(),
  ];
}

function ownSources({ program, configFile }: Project): string[] {
  const files = program.getSourceFiles().map(({ fileName }) => fileName);
  return [configFile, ...files.filter((path) => !path.includes("/node_modules/"))];
}

/** TypeScriptToLua may break down over what isn't valid TypeScript; its own faults are then not worth a crash. */
function transpileLeniently(project: Project, isFaulty: boolean): ReturnType<typeof transpile> {
  try {
    return transpile(project);
  } catch (error) {
    if (!isFaulty) throw error;
    return { faults: [], files: [] };
  }
}

/**
 * Where a rule of ours and TypeScriptToLua object to the same node, ours names the remedy; and a module that
 * TypeScript misses at a place, it misses at none.
 */
function isSaidBetter(fault: Fault, known: readonly Fault[]): boolean {
  if (fault.code === "TL-couldNotResolveRequire") return known.some(({ code }) => code === "TS2307");
  return known.some(
    ({ file, line, column }) => file === fault.file && line === fault.line && column === fault.column,
  );
}

/**
 * `rewriteRelativeImportExtensions` is what lets an emitting program import `.ts` files; its complaint that an alias
 * (TS2877) would not be rewritten is about JavaScript. TypeScriptToLua resolves aliases itself.
 */
function concernsLua(diagnostic: ts.Diagnostic): boolean {
  return diagnostic.code !== 2877;
}
