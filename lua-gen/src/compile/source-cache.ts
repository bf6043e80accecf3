import { statSync } from "node:fs";
import ts from "typescript";

/** Parsed files that outlive one program. Most of a build's time goes into reading declarations that never change. */
export interface SourceCache {
  host(options: ts.CompilerOptions): ts.CompilerHost;
}

interface Entry {
  readonly file: ts.SourceFile;
  /** Time of change and size: what a save changes. */
  readonly stamp: string;
}

export function createSourceCache(): SourceCache {
  const entries = new Map<string, Entry>();
  return {
    host(options) {
      const host = ts.createCompilerHost(options);
      const read = host.getSourceFile.bind(host);
      host.getSourceFile = (path, languageVersion, onError) => {
        const stamp = stampOf(path);
        const known = entries.get(path);
        if (known !== undefined && known.stamp === stamp) return known.file;
        const file = read(path, languageVersion, onError);
        if (file === undefined) entries.delete(path);
        else entries.set(path, { file, stamp });
        return file;
      };
      return host;
    },
  };
}

function stampOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.mtimeNs} ${stats.size} ${stats.ino}`;
}
