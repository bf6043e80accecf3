/**
 * A system from its lock to its end, in the foreground or detached:
 *
 *     locked → cleared of orphans → ports checked → starting → healthy → stopping → gone
 *
 * A failed start goes to `stopping` from where it stands.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, openHome } from "../process/home.ts";
import { killGroup } from "../process/owned-process.ts";
import { isFree } from "../process/ports.ts";
import { createProgress, type Progress } from "../process/progress.ts";
import {
  livingRecord,
  recordedNames,
  recordOf,
  removeRecord,
  updateRecord,
  writeRecord,
} from "../process/record.ts";
import { type PortName, type Ports, portVariable, type Settings } from "../settings.ts";
import { type Lock, takeLock } from "./lock.ts";
import { stopOrphans } from "./orphans.ts";
import { STAGES } from "./parts.ts";
import { startSystem } from "./start.ts";
import { createSupervisor } from "./supervisor.ts";

export const SUPERVISOR = "supervisor";

export interface RunningSystem {
  home: Home;
  /** Can be called at any time, also during the start; a second call waits for the first. */
  stop(): Promise<void>;
  /** Ends everything at once, with SIGKILL, this process included. */
  kill(): never;
  /** Rejects when the start failed; everything is stopped again by then. */
  healthy: Promise<void>;
}

/** Undefined when another supervisor holds this home. */
export async function runSystem(
  settings: Settings,
  write: (text: string) => void,
  isTerminal: boolean,
): Promise<RunningSystem | undefined> {
  const lock = await takeLock(settings.homeRoot);
  if (!lock) return undefined;
  const home = openHome(settings.homeRoot);
  const progress = createProgress(write, isTerminal);
  const log = (text: string) => {
    const line = `${new Date().toISOString()} ${text}`;
    appendFileSync(join(home.logs, `${SUPERVISOR}.log`), `${line}\n`);
    progress.say(line);
  };
  const supervisor = createSupervisor({ home, stages: STAGES, log });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= supervisor.stop().finally(() => release(home, lock));
    return stopped;
  };
  const healthy = bringUp().catch(async (error) => {
    if (!stopped) progress.say("  The start failed; what was started is stopped again.");
    await stop();
    throw error;
  });
  return { home, stop, healthy, kill: () => killAll(home) };

  async function bringUp(): Promise<void> {
    await clearAway(home, settings.ports, progress);
    const record = recordOf(SUPERVISOR, process.pid, undefined, new Date());
    writeRecord(home, { ...record, ports: settings.ports });
    await startSystem({ settings, home, supervisor, progress });
    updateRecord(home, SUPERVISOR, { ready: true });
  }
}

async function release(home: Home, lock: Lock): Promise<void> {
  removeRecord(home, SUPERVISOR);
  await lock.release();
}

function killAll(home: Home): never {
  for (const name of recordedNames(home)) {
    const record = livingRecord(home, name);
    if (record && record.pid !== process.pid) killGroup(record.pid);
  }
  process.exit(137);
}

async function clearAway(home: Home, ports: Ports, progress: Progress): Promise<void> {
  const stopped = await stopOrphans(home, ports);
  if (stopped.length > 0) {
    progress.say(`  stopped what an earlier run had left behind: ${stopped.join(", ")}`);
  }
  const taken: string[] = [];
  for (const [name, port] of Object.entries(ports) as [PortName, number][]) {
    if (!(await isFree(port)))
      taken.push(`  port ${port} (${name}) is taken; choose another by ${portVariable(name)}`);
  }
  if (taken.length > 0)
    throw new Error(`something else listens on ports that are needed:\n${taken.join("\n")}`);
}
