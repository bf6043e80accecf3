/**
 * A pid alone does not name a process: the kernel hands the number out again, and a stale pid file would
 * then point at somebody else's program. The pair (boot id, start time in ticks) is what makes it unique
 * (proc(5), field 22 of /proc/<pid>/stat).
 */
import { readFileSync } from "node:fs";

export interface Identity {
  bootId: string;
  startTicks: string;
}

/** The identity of a living process; undefined when there is none, or only a zombie that waits for its parent. */
export function identityOf(pid: number): Identity | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses and may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  return { bootId: bootId(), startTicks };
}

export function isAlive(pid: number, identity: Identity): boolean {
  const now = identityOf(pid);
  return now !== undefined && now.bootId === identity.bootId && now.startTicks === identity.startTicks;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
