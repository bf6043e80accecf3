import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Home, openHome } from "../process/home.ts";
import { lastLines } from "../process/log-tail.ts";
import { readRecord } from "../process/record.ts";
import { readSettings, type Settings } from "../settings.ts";
import { type RunningSystem, runSystem, SUPERVISOR } from "../system/running.ts";
import { runningSettings } from "../system/running-settings.ts";
import { addresses, welcome } from "../system/welcome.ts";

export interface UpOptions {
  detach?: boolean;
}

/** From the detached supervisor to the command that started it. */
type Message = { say: string } | { healthy: true } | { failed: string };

const OTHER_START_TIMEOUT_MS = 120_000;
const SECOND_SIGNAL_AFTER_MS = 1000;

export async function up(options: UpOptions): Promise<number> {
  const settings = readSettings();
  return options.detach ? upDetached(settings) : upHere(settings);
}

async function upHere(settings: Settings): Promise<number> {
  const startedAt = performance.now();
  const system = await runSystem(
    settings,
    (text) => process.stdout.write(text),
    process.stdout.isTTY === true,
  );
  if (!system) return alreadyRuns(settings);
  const ended = untilSignal(system);
  try {
    await system.healthy;
  } catch (error) {
    if (ended.asked()) return ended.code;
    throw error;
  }
  console.log(welcome(settings, system.home, (performance.now() - startedAt) / 1000));
  console.log("Ctrl-C stops it; the data stays.");
  return ended.code;
}

/** The detached half: reports to the command that started it, then lives on without it. */
export async function supervise(): Promise<number> {
  const settings = readSettings();
  const tell = (message: Message) => {
    if (process.connected) process.send?.(message);
  };
  const system = await runSystem(settings, (text) => tell({ say: text }), false);
  if (!system) {
    tell({ failed: "another supervisor was faster" });
    return 1;
  }
  const ended = untilSignal(system);
  try {
    await system.healthy;
  } catch (error) {
    tell({ failed: (error as Error).message });
    return 1;
  }
  tell({ healthy: true });
  if (process.connected) process.disconnect();
  return ended.code;
}

async function upDetached(settings: Settings): Promise<number> {
  const startedAt = performance.now();
  const home = openHome(settings.homeRoot);
  if (runningSettings(settings)) return alreadyRuns(settings);
  const logFile = join(home.logs, `${SUPERVISOR}.log`);
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [join(settings.checkout, "cli/src/main.ts"), "supervise"], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    cwd: settings.checkout,
  });
  closeSync(log);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => child.kill("SIGTERM"));
  const outcome = await new Promise<Message | undefined>((resolve) => {
    child.once("exit", () => resolve(undefined));
    child.on("message", (message: Message) => {
      if ("say" in message) process.stdout.write(message.say);
      else resolve(message);
    });
  });
  if (outcome && "healthy" in outcome) {
    console.log(welcome(settings, home, (performance.now() - startedAt) / 1000));
    console.log("It runs in the background: `npx sluice status` asks it, `npx sluice down` stops it.");
    child.disconnect();
    child.unref();
    return 0;
  }
  const reason = outcome && "failed" in outcome ? outcome.failed : lastLines(logFile, 0);
  console.error(`The start failed.\n${reason}`);
  return 1;
}

/** A second start is no mistake: it says where things are, once they are there. */
async function alreadyRuns(settings: Settings): Promise<number> {
  const home: Home = openHome(settings.homeRoot);
  const deadline = Date.now() + OTHER_START_TIMEOUT_MS;
  while (!readRecord(home, SUPERVISOR)?.ready) {
    if (Date.now() > deadline) {
      console.error("Another start is under way and does not finish; see logs/supervisor.log");
      return 1;
    }
    await delay(100);
  }
  const running = runningSettings(settings) ?? settings;
  console.log(`Sluice runs already (supervisor pid ${readRecord(home, SUPERVISOR)?.pid}).\n`);
  console.log(addresses(running.ports));
  return 0;
}

/** Resolves when everything is down after the first signal. A second one, later, gives up on grace. */
function untilSignal(system: RunningSystem): { code: Promise<number>; asked(): boolean } {
  let askedAt: number | undefined;
  const code = new Promise<number>((resolve, reject) => {
    for (const [signal, exitCode] of [
      ["SIGINT", 130],
      ["SIGTERM", 0],
      ["SIGHUP", 0],
    ] as const) {
      process.on(signal, () => {
        if (askedAt === undefined) {
          askedAt = performance.now();
          console.log("\nStopping …");
          system.stop().then(() => {
            console.log("Stopped. The data stays.");
            resolve(exitCode);
          }, reject);
        } else if (performance.now() - askedAt > SECOND_SIGNAL_AFTER_MS) {
          system.kill();
        }
      });
    }
  });
  return { code, asked: () => askedAt !== undefined };
}
