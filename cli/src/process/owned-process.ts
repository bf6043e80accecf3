/**
 * A process that we started and answer for. It leads a process group of its own: Ctrl-C in the terminal
 * reaches only the supervisor, which stops its processes in their order, and whatever a killed process
 * leaves behind (nginx workers outlive their master) can be ended with the group.
 *
 * It writes straight into its log file and not through us, so it survives our own sudden death unharmed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "./home.ts";
import { readLogFrom } from "./log-tail.ts";
import { recordOf, removeRecord, updateRecord, writeRecord } from "./record.ts";

export interface ProcessOptions {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  home: Home;
  /** Only for the record, so that `status` can show it. */
  port?: number;
  stopSignal?: NodeJS.Signals;
  stopGraceMs?: number;
}

export interface OwnedProcess {
  name: string;
  pid: number;
  logFile: string;
  exited: Promise<string>;
  hasExited(): boolean;
  /** What it wrote since it was started (at most the last 64 KiB). */
  log(): string;
  markReady(): void;
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;

export async function startProcess(options: ProcessOptions): Promise<OwnedProcess> {
  const { name, home } = options;
  const logFile = join(home.logs, `${name}.log`);
  const log = openSync(logFile, "a", 0o640);
  const logOffset = statSync(logFile).size;
  const child = spawn(options.command, options.args, {
    cwd: options.cwd ?? home.root,
    env: options.env ?? process.env,
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const pid = await spawned(child, name);
  let exit: string | undefined;
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      exit = signal ? `killed by ${signal}` : `exit code ${code}`;
      killGroup(pid);
      removeRecord(home, name);
      resolve(exit);
    });
  });
  if (child.exitCode === null && child.signalCode === null) {
    writeRecord(home, recordOf(name, pid, options.port, new Date()));
  }
  return {
    name,
    pid,
    logFile,
    exited,
    hasExited: () => exit !== undefined,
    log: () => readLogFrom(logFile, logOffset),
    markReady: () => updateRecord(home, name, { ready: true }),
    stop: async () => {
      if (exit !== undefined) return;
      child.kill(options.stopSignal ?? "SIGTERM");
      if (await settlesWithin(exited, options.stopGraceMs ?? STOP_GRACE_MS)) return;
      killGroup(pid);
      await exited;
    },
  };
}

/** What went wrong, with the log's name and its last lines: what one would look for next. */
export function failure(owned: OwnedProcess, what: string, cause?: unknown): Error {
  return new Error(`${owned.name} ${what}\n  log: ${owned.logFile}\n${lastLinesOf(owned)}`, { cause });
}

/** True when `promise` settled within `ms`. The timer never keeps the program alive. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}

function lastLinesOf(owned: OwnedProcess): string {
  const lines = owned.log().trimEnd().split("\n").slice(-15);
  return lines.map((line) => `  | ${line}`).join("\n");
}

function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid as number));
    child.once("error", (cause) =>
      reject(new Error(`${name} can't be started: ${cause.message}`, { cause })),
    );
  });
}

/** Ends what is left of the process group that `pid` led; nothing left is the usual case. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
