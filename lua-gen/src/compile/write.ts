import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { headerPrefix, type LuaFile } from "./transpile.ts";

export interface Written {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Brings the output folder in line with `files`. A file whose content is the same keeps its modification time, so
 * that whoever watches the folder sees only real change. Lua files that carry our header and are not in `files`
 * are deleted; anything else in the folder isn't ours and stays.
 */
export function writeOutputs(outDir: string, files: readonly LuaFile[]): Written {
  const written: string[] = [];
  for (const { path, text, map } of files) {
    if (map !== undefined) writeChanged(`${path}.map`, map);
    if (writeChanged(path, text)) written.push(path);
  }
  const removed: string[] = [];
  removeStale(outDir, new Set(files.map((file) => file.path)), removed);
  return { written, removed };
}

/** Returns whether it had to. */
function writeChanged(path: string, text: string): boolean {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return false;
  mkdirSync(dirname(path), { recursive: true });
  // Renamed into place: an nginx that starts in the middle of a build never reads half a file.
  const partial = `${path}.partial`;
  writeFileSync(partial, text);
  renameSync(partial, path);
  return true;
}

/** Returns whether the folder is empty afterwards. */
function removeStale(folder: string, current: ReadonlySet<string>, removed: string[]): boolean {
  if (!existsSync(folder)) return true;
  let left = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (removeStale(path, current, removed)) rmdirSync(path);
      else left += 1;
    } else if (entry.name.endsWith(".lua") && !current.has(path) && isOurs(path)) {
      rmSync(path);
      rmSync(`${path}.map`, { force: true });
      removed.push(path);
    } else if (existsSync(path)) {
      // It may be a map that went with its Lua file.
      left += 1;
    }
  }
  return left === 0;
}

function isOurs(path: string): boolean {
  const start = Buffer.alloc(headerPrefix.length);
  const file = openSync(path, "r");
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  return start.toString("utf8") === headerPrefix;
}
