import { spawnSync } from "node:child_process";

/** Runs Lua text in a LuaJIT of its own and returns what it printed. Lua's errors become exceptions. */
export function runLuajit(code: string, luaDir: string): string {
  const prelude = `package.path = "${luaDir}/?.lua;" .. package.path\n`;
  const run = spawnSync("luajit", ["-"], { input: prelude + code, encoding: "utf8" });
  if (run.error !== undefined) {
    throw new Error("there is no luajit; on Debian install luajit2", { cause: run.error });
  }
  if (run.status !== 0) throw new Error(`luajit failed: ${run.stderr}`);
  return run.stdout;
}
