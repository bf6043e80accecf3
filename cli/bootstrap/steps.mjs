import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TELL_AFTER_MS = 2000;
const TELL_AGAIN_MS = 10_000;

/** Runs a program in full view. */
export async function runShown(command, args) {
  const child = spawn(command, args, { stdio: "inherit" });
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.once("exit", (code) => resolve(code === 0));
  });
}

/**
 * Runs a program with its output in `<logs>/<name>.log`. A run of more than two seconds is shown with its
 * elapsed time; a failed one names the log and shows its last lines. True when it ended well.
 */
export async function runStep({ name, label, logs, command, args, cwd }) {
  mkdirSync(logs, { recursive: true });
  const logFile = join(logs, `${name}.log`);
  const log = openSync(logFile, "w");
  const startedAt = Date.now();
  const elapsed = () => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`;
  const terminal = process.stdout.isTTY === true;
  let toldAt = 0;
  const timer = setInterval(() => {
    if (Date.now() - startedAt < TELL_AFTER_MS) return;
    if (terminal) process.stdout.write(`\r\x1b[K  … ${label} ${elapsed()}`);
    else if (Date.now() - toldAt >= TELL_AGAIN_MS) {
      toldAt = Date.now();
      console.log(`  … ${label} ${elapsed()}`);
    }
  }, 500);
  const end = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", log, log] });
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(code === 0 ? "" : (signal ?? `exit code ${code}`)));
  });
  clearInterval(timer);
  closeSync(log);
  if (terminal) process.stdout.write("\r\x1b[K");
  if (end === "") {
    if (Date.now() - startedAt >= TELL_AFTER_MS) console.log(`  ✓ ${label} ${elapsed()}`);
    return true;
  }
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-15);
  console.error(`  ✗ ${label}: ${end}\n  log: ${logFile}\n${lines.map((line) => `  | ${line}`).join("\n")}`);
  return false;
}
