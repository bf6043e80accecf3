import { openHome } from "../process/home.ts";
import { livingRecord } from "../process/record.ts";
import { endsWithin } from "../process/stop-recorded.ts";
import { readSettings } from "../settings.ts";
import { takeLock } from "../system/lock.ts";
import { stopOrphans } from "../system/orphans.ts";
import { runningSettings } from "../system/running-settings.ts";

const STOP_TIMEOUT_MS = 60_000;

export async function down(): Promise<number> {
  const settings = readSettings();
  const home = openHome(settings.homeRoot);
  const running = runningSettings(settings) ?? settings;
  const supervisor = livingRecord(home, "supervisor");
  if (supervisor) {
    console.log("Stopping …");
    process.kill(supervisor.pid, "SIGTERM");
    if (!(await endsWithin(supervisor, STOP_TIMEOUT_MS))) {
      console.error(`The supervisor (pid ${supervisor.pid}) does not end; it is killed.`);
      process.kill(supervisor.pid, "SIGKILL");
    }
  }
  const lock = await takeLock(settings.homeRoot);
  if (!lock) {
    console.error("A start is just under way; try again when it is done.");
    return 1;
  }
  const stopped = await stopOrphans(home, running.ports);
  await lock.release();
  if (supervisor) console.log("Stopped. The data stays; `npm start` goes on with it.");
  else if (stopped.length > 0)
    console.log(`Stopped what a killed supervisor had left: ${stopped.join(", ")}.`);
  else console.log("Nothing is running.");
  return 0;
}
