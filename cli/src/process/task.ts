import type { Home } from "../process/home.ts";
import { failure, startProcess } from "./owned-process.ts";

export interface TaskOptions {
  name: string;
  home: Home;
  cwd: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
}

/** A program that has to end by itself and well. Its output goes to a log of its own. */
export async function runTask(options: TaskOptions): Promise<void> {
  const { name, home, cwd, command, args, env } = options;
  const owned = await startProcess({ name, command, args, env: { ...process.env, ...env }, cwd, home });
  const end = await owned.exited;
  if (end !== "exit code 0") throw failure(owned, `failed: ${end}`);
}
