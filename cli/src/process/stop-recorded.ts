/**
 * Ends processes that somebody else started: their supervisor is gone, or it is the supervisor itself that
 * is asked to end. They are no children of ours, so the kernel does not tell us when they end; we look.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Home } from "./home.ts";
import { isAlive } from "./identity.ts";
import { killGroup } from "./owned-process.ts";
import { livingRecord, type ProcessRecord, removeRecord } from "./record.ts";

const LOOK_AGAIN_MS = 50;

/** True when there was something to stop. After `graceMs` it is killed, with what it leads. */
export async function stopRecorded(
  home: Home,
  name: string,
  graceMs: number,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<boolean> {
  const record = livingRecord(home, name);
  if (record) {
    signalTo(record, signal);
    if (!(await endsWithin(record, graceMs))) {
      killGroup(record.pid);
      await endsWithin(record, graceMs);
    }
    killGroup(record.pid);
  }
  removeRecord(home, name);
  return record !== undefined;
}

export async function endsWithin(record: ProcessRecord, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (isAlive(record.pid, record.identity)) {
    if (Date.now() >= deadline) return false;
    await delay(LOOK_AGAIN_MS);
  }
  return true;
}

function signalTo(record: ProcessRecord, signal: NodeJS.Signals): void {
  try {
    process.kill(record.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
