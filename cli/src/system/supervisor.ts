/**
 * Keeps the parts of the system running. A part:
 *
 *     start → running → (dies) → waiting → start → …        stop() ends it from any state
 *
 * Any process may be killed at any moment and nobody has to repair anything by hand, so a part that dies is
 * started again for as long as the supervisor lives. The wait before that doubles from 0.2 s up to 10 s and
 * falls back when the part has stayed up for a minute: a part that can't run costs one attempt and one log
 * line every ten seconds, never a tight loop.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Home } from "../process/home.ts";
import { boundLogs } from "../process/log-bound.ts";
import { updateRecord } from "../process/record.ts";
import { stopRecorded } from "../process/stop-recorded.ts";
import type { RunningService } from "../services/service.ts";
import { stopSignalOf } from "./parts.ts";

export interface Supervisor {
  /** Resolves when the part is ready; from then on it is kept running. */
  start(name: string, launch: () => Promise<RunningService>): Promise<void>;
  /** A step of the start that ends by itself; `stop()` waits for it, or ends it. */
  run(name: string, work: () => Promise<void>): Promise<void>;
  /** Stops every part, the last stage first; resolves when nothing is left. */
  stop(): Promise<void>;
}

export interface SupervisorOptions {
  home: Home;
  stages: readonly (readonly string[])[];
  log: (text: string) => void;
}

interface Part {
  service?: RunningService;
  restarts: number;
  /** Starts in a row after which it did not stay up. */
  shortLives: number;
  /** The present attempt to start it, or the wait before it; never rejects. */
  busy: Promise<unknown>;
  isBusy: boolean;
}

const RESTART_DELAY_FIRST_MS = 200;
const RESTART_DELAY_MAX_MS = 10_000;
const STEADY_AFTER_MS = 60_000;
const STOP_GRACE_MS = 10_000;
const LOG_CHECK_MS = 60_000;

export function createSupervisor({ home, stages, log }: SupervisorOptions): Supervisor {
  const parts = new Map<string, Part>();
  const stopping = new AbortController();
  const logCheck = setInterval(() => boundLogs(home.logs), LOG_CHECK_MS).unref();

  async function start(name: string, launch: () => Promise<RunningService>): Promise<void> {
    const part: Part = { restarts: 0, shortLives: 0, busy: Promise.resolve(), isBusy: false };
    parts.set(name, part);
    await occupy(part, async () => {
      part.service = await launch();
    });
    if (part.service) watch(name, part, part.service, launch);
  }

  async function run(name: string, work: () => Promise<void>): Promise<void> {
    const part: Part = { restarts: 0, shortLives: 0, busy: Promise.resolve(), isBusy: false };
    parts.set(name, part);
    await occupy(part, work);
  }

  async function occupy(part: Part, work: () => Promise<void>): Promise<void> {
    if (stopping.signal.aborted) throw new Error("the system is being stopped");
    const working = work();
    part.isBusy = true;
    part.busy = working.then(
      () => {},
      () => {},
    );
    try {
      await working;
    } finally {
      part.isBusy = false;
    }
  }

  function watch(
    name: string,
    part: Part,
    service: RunningService,
    launch: () => Promise<RunningService>,
  ): void {
    const startedAt = performance.now();
    void service.exited.then((end) => {
      if (stopping.signal.aborted) return;
      part.service = undefined;
      log(`${name} (pid ${service.pid}) ended: ${end}`);
      if (performance.now() - startedAt > STEADY_AFTER_MS) part.shortLives = 0;
      void occupy(part, () => restart(name, part, launch)).catch((error) => {
        if (!stopping.signal.aborted) throw error;
      });
    });
  }

  async function restart(name: string, part: Part, launch: () => Promise<RunningService>) {
    for (;;) {
      const wait = Math.min(RESTART_DELAY_FIRST_MS * 2 ** part.shortLives, RESTART_DELAY_MAX_MS);
      await delay(wait, undefined, { signal: stopping.signal });
      part.restarts += 1;
      part.shortLives += 1;
      try {
        part.service = await launch();
      } catch (error) {
        if (stopping.signal.aborted) throw error;
        log(`${name} could not be started again: ${(error as Error).message}`);
        continue;
      }
      updateRecord(home, name, { restarts: part.restarts });
      log(`${name} runs again, pid ${part.service.pid}`);
      watch(name, part, part.service, launch);
      return;
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    clearInterval(logCheck);
    const staged = new Set(stages.flat());
    const steps = [...parts.keys()].filter((name) => !staged.has(name));
    for (const names of [steps, ...stages.toReversed()]) {
      await Promise.all(names.map((name) => stopPart(name)));
    }
  }

  async function stopPart(name: string): Promise<void> {
    const part = parts.get(name);
    if (!part) return;
    // Half-way through a start there is no service yet, but there may be a process.
    while (part.isBusy) {
      await stopRecorded(home, name, STOP_GRACE_MS, stopSignalOf(name));
      await Promise.race([part.busy, delay(50)]);
    }
    await part.service?.close();
  }

  return { start, run, stop };
}
