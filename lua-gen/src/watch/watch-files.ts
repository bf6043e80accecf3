import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { dirname, join, sep } from "node:path";

export interface FileWatch {
  /** From now on these files count, and what comes into being beside them. */
  follow(files: readonly string[]): void;
  close(): void;
}

/** A save is several events within a moment; and many files saved at once (a checkout) are one change. */
const quietMs = 20;

/** What may be a source. What compiling writes is none of ours. */
export const sourcePattern = /\.(ts|mts|json)$/;

/**
 * Calls `changed` with the paths after sources changed. It watches folders and not files: editors replace a file
 * instead of writing into it, and a new file is a change as well.
 */
export function watchFiles(changed: (paths: ReadonlySet<string>) => void): FileWatch {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let paths = new Set<string>();
  // One that is gone is known by the folders that were watched; an editor's temporary file is neither.
  const isFolder = (path: string) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ??
    [...watchers.keys()].some((folder) => `${folder}${sep}`.startsWith(`${path}${sep}`));
  const noticed = (folder: string, name: string) => {
    const path = join(folder, name);
    if (!sourcePattern.test(name) && !isFolder(path)) return;
    paths.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const seen = paths;
      paths = new Set();
      changed(seen);
    }, quietMs);
  };
  return {
    follow(files) {
      const folders = new Set(files.map((file) => dirname(file)).filter((folder) => existsSync(folder)));
      for (const [folder, watcher] of watchers) {
        if (folders.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
      for (const folder of folders) {
        if (watchers.has(folder)) continue;
        const watcher = watch(folder, (_event, name) => noticed(folder, name ?? ""));
        // The folder itself went away; the build that this causes says what to follow instead.
        watcher.on("error", () => noticed(folder, ""));
        watchers.set(folder, watcher);
      }
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
