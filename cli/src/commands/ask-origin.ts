import { spawn } from "node:child_process";
import { openHome } from "../process/home.ts";
import { checkout, readSettings } from "../settings.ts";
import { originEnvironment } from "../system/environment.ts";
import { runningSettings } from "../system/running-settings.ts";
import { makeSecrets } from "../system/secrets.ts";

/** Runs a task of the origin on the running system. Its output is ours, and so is its exit code; 2 when none runs. */
export async function askOrigin(without: string, args: readonly string[]): Promise<number> {
  const settings = runningSettings(readSettings());
  if (!settings) {
    console.error(`Nothing is running: ${without}. \`npm start\` first.`);
    return 2;
  }
  const home = openHome(settings.homeRoot);
  const env = originEnvironment(settings, makeSecrets(home), home);
  const child = spawn(process.execPath, ["origin/src/main.ts", ...args], {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 2));
  });
}
