import type { Check, Finding } from "../check.ts";
import type { Tree } from "../tree.ts";
import { installed, runTool } from "./run.ts";

const PROJECT = "edge/tsconfig.json";

/** What becomes Lua: its types, the subset of TypeScript that LuaJIT runs well, and whether it transpiles. */
export const edgeCompiles: Check = { name: "edge compiles to Lua", run: compile };

async function compile(tree: Tree): Promise<Finding[]> {
  if (!tree.paths.some((path) => path.startsWith("edge/src/") && path.endsWith(".ts"))) return [];
  const lua = installed(tree.root, "lua-gen");
  // process.execPath: the tool's first line names a `node` that may be older than this one.
  const run = await runTool(tree.root, process.execPath, [lua, "check", "-p", PROJECT, "--json"]);
  if (run.status === 0) return [];
  try {
    return (JSON.parse(run.output) as LuaFault[]).map(({ file, line, code, message }) => ({
      place: file === undefined ? PROJECT : `${file.replace(`${tree.root}/`, "")}:${line}`,
      message: `${code}: ${message}`,
    }));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [{ place: PROJECT, message: run.output }];
  }
}

interface LuaFault {
  file?: string;
  line?: number;
  code: string;
  message: string;
}
