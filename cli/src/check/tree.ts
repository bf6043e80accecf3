/**
 * The files that checks look at: what git tracks or would track, so that build output and private data never
 * count. Paths are relative to the root and written with `/`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export interface Tree {
  readonly root: string;
  readonly paths: readonly string[];
  has(path: string): boolean;
  read(path: string): string;
  /** Parsed once and shared by all checks. */
  syntax(path: string): ts.SourceFile;
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export function openTree(root: string): Tree {
  const listed = gitPaths(root).filter((path) => existsSync(join(root, path)));
  const known = new Set(listed);
  const texts = new Map<string, string>();
  const trees = new Map<string, ts.SourceFile>();
  const read = (path: string) => remember(texts, path, () => readFileSync(join(root, path), "utf8"));
  const syntax = (path: string) =>
    remember(trees, path, () => ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true));
  return { root, paths: listed, has: (path) => known.has(path), read, syntax };
}

/** The sources that run: TypeScript, without declarations. */
export function sourcePaths(tree: Tree): string[] {
  return tree.paths.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"));
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Visits the node and everything below it. */
export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

function gitPaths(root: string): string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const git = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: OUTPUT_BYTES_MAX });
  if (git.status !== 0)
    throw new Error(`git ls-files failed in ${root}: ${git.stderr}`, { cause: git.error });
  return [...new Set(git.stdout.split("\0").filter((path) => path !== ""))].sort();
}

function remember<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  cache.set(key, made);
  return made;
}
