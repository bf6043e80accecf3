/** A repository of a few files, for the tests of checks. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openTree, type Tree } from "./tree.ts";

export interface WrittenTree extends Tree, Disposable {}

/** `using tree = writeTree({ "a.ts": "…" })`: the folder is gone at the end of the block. */
export function writeTree(files: Readonly<Record<string, string>>): WrittenTree {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "sluice-check-")));
  const git = spawnSync("git", ["init", "--quiet"], { cwd: root, encoding: "utf8" });
  if (git.status !== 0) throw new Error(`git init: ${git.stderr}`, { cause: git.error });
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return { ...openTree(root), [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}
