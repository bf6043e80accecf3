import { existsSync, readdirSync, readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload, type SourceMapping } from "node:module";
import { dirname, join, relative, resolve } from "node:path";

/** Replaces every place in compiled Lua that a text mentions by the TypeScript that it came from. */
export type MapLine = (line: string) => string;

/**
 * Reads the maps that the build left beside its Lua files. nginx writes the traceback of an aborted request in C, so
 * this happens afterwards, on the log's text: `…/dist/phases/access.lua:12:` becomes `src/phases/access.ts:9:3:`, as
 * seen from `cwd`. LuaJIT cuts long paths in front (`...es/access.lua:12:`); the rest has to fit one file only.
 */
export function openMaps(luaDir: string, cwd: string): MapLine {
  const files = findMaps(resolve(luaDir));
  const cache = new Map<string, LuaMap>();
  return (line) =>
    line.replace(
      /(\.\.\.)?([^\s"'()[\]<>]+\.lua):(\d+)/g,
      (text, cut: string | undefined, path: string, number: string) => {
        const [file, second] = files.filter((candidate) =>
          cut === undefined && path.startsWith("/") ? candidate === path : candidate.endsWith(path),
        );
        if (file === undefined || second !== undefined) return text;
        let map = cache.get(file);
        if (map === undefined) {
          map = readMap(file);
          cache.set(file, map);
        }
        return map.locate(Number(number), cwd) ?? text;
      },
    );
}

interface LuaMap {
  locate(luaLine: number, cwd: string): string | undefined;
}

function readMap(luaFile: string): LuaMap {
  const map = new SourceMap(JSON.parse(readFileSync(`${luaFile}.map`, "utf8")) as SourceMapPayload);
  const lines = readFileSync(luaFile, "utf8").split("\n");
  return {
    locate(luaLine, cwd) {
      const text = lines[luaLine - 1];
      if (text === undefined) return undefined;
      const entry = firstEntry(map, luaLine - 1, text.length);
      if (entry === undefined) return undefined;
      const source = relative(cwd, join(dirname(luaFile), entry.originalSource));
      return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    },
  };
}

/** Lua knows no columns: what stands first on the line stands for it. */
function firstEntry(map: SourceMap, line: number, lengthColumns: number): SourceMapping | undefined {
  for (let column = 0; column <= lengthColumns; column++) {
    const entry = map.findEntry(line, column);
    // Before its first mapping a line is answered for by the lines above.
    if ("generatedLine" in entry && entry.generatedLine === line) return entry;
  }
  return undefined;
}

/** The Lua files that have a map, absolute. */
function findMaps(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".lua.map"))
    .map((path) => join(folder, path.slice(0, -".map".length)))
    .filter((path) => existsSync(path));
}
