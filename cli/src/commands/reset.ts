import { rmSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { readSettings } from "../settings.ts";
import { down } from "./down.ts";

/** Stops everything, then removes all that the system owns: data, logs, keys and the operators' token. */
export async function reset(options: { yes?: boolean }): Promise<number> {
  const { homeRoot } = readSettings();
  if (!options.yes && !(await confirmed(`Remove ${homeRoot} with all data, keys and logs? [y/N] `))) {
    console.log("Nothing was removed.");
    return 1;
  }
  const code = await down();
  if (code !== 0) return code;
  rmSync(homeRoot, { recursive: true, force: true });
  console.log(`Removed ${homeRoot}.`);
  return 0;
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error("There is no terminal to ask on; say --yes.");
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
