/**
 * A role of the origin (or the payments sandbox) as a process. Roles that listen are asked over HTTP; those
 * that do not (worker, relay) say themselves when they are ready, by a file that `READY_FILE` names.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "../process/home.ts";
import { startProcess } from "../process/owned-process.ts";
import { untilReady } from "../process/ready.ts";
import { ANSWER_TIMEOUT_MS, type RunningService, runningService } from "./service.ts";

export interface NodeRoleOptions {
  name: string;
  home: Home;
  checkout: string;
  script: string;
  args: string[];
  /** Before the script, for node itself. */
  nodeFlags?: readonly string[];
  env: Record<string, string>;
  port?: number;
  /** Answers 200 when the role is ready; without it the role's own file counts. */
  readyUrl?: string;
}

/**
 * The relay's memory is bounded by what it holds, not by what it reads: small heaps keep garbage from piling up
 * beside it. `origin/container/start.sh` says the same.
 */
export const RELAY_NODE_FLAGS = ["--max-old-space-size=128", "--max-semi-space-size=8"] as const;

const START_TIMEOUT_MS = 120_000;

export async function startNodeRole(options: NodeRoleOptions): Promise<RunningService> {
  const { name, home, checkout, port, readyUrl } = options;
  const readyFile = join(home.run, `${name}.ready`);
  const forget = () => rmSync(readyFile, { force: true });
  forget();
  const owned = await startProcess({
    name,
    command: process.execPath,
    args: [...(options.nodeFlags ?? []), options.script, ...options.args],
    env: { ...process.env, ...options.env, READY_FILE: readyFile },
    cwd: checkout,
    home,
    ...(port === undefined ? {} : { port }),
    stopGraceMs: 10_000,
  });
  void owned.exited.then(forget);
  await untilReady(owned, START_TIMEOUT_MS, () => (readyUrl ? expectOk(readyUrl) : saidReady(readyFile)));
  return runningService(owned, readyUrl ? new URL(readyUrl).origin : `log:${owned.logFile}`);
}

export async function expectOk(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), redirect: "error" });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status} ${body.slice(0, 200)}`);
}

async function saidReady(readyFile: string): Promise<void> {
  if (!existsSync(readyFile)) throw new Error("it has not said so yet");
}
