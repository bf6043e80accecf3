import { spawn } from "node:child_process";
import { openHome } from "../process/home.ts";
import { checkout, readSettings } from "../settings.ts";
import { originEnvironment } from "../system/environment.ts";
import { runningSettings } from "../system/running-settings.ts";
import { makeSecrets } from "../system/secrets.ts";

/** Checks every invariant on the live data. Exit code 1 says that one is broken, and the output which. */
export async function audit(): Promise<number> {
  const settings = runningSettings(readSettings());
  if (!settings) {
    console.error("Nothing is running: there is no live data to audit. `npm start` first.");
    return 2;
  }
  const home = openHome(settings.homeRoot);
  const env = originEnvironment(settings, makeSecrets(home), home);
  const child = spawn(process.execPath, ["origin/src/main.ts", "audit"], {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 2));
  });
}
