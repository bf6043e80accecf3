import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface ToolRun {
  status: number | null;
  output: string;
}

/** Runs a tool that the workspace has installed; what it prints on both streams comes back in order. */
export function runTool(root: string, command: string, args: readonly string[]): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(chunk));
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, output: Buffer.concat(output).toString("utf8") }));
  });
}

/** A command of the workspace's node_modules/.bin, looked for beside this file when `root` has none of its own. */
export function installed(root: string, name: string): string {
  const own = join(root, "node_modules/.bin", name);
  return existsSync(own) ? own : join(import.meta.dirname, "../../../../node_modules/.bin", name);
}
