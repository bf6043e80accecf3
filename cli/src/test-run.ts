/**
 * `npm test`: the checks, the edge's compilation, then every test file, against one shared set of private
 * services that is started before and stopped after, however the run ends. The last line is
 * `N passed, N failed`; a check that fails counts as one.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProgress } from "./process/progress.ts";
import { startOwnTestServices, TEST_SERVICES_VARIABLE, type TestServices } from "./services/for-tests.ts";
import { checkout } from "./settings.ts";
import type { TestCounts } from "./test-files.ts";

const WORKSPACES = ["contract", "lua-gen", "edge", "origin", "cli", "test", "bench"];
/** In this order, and by name among their like: each of the first starts a whole system, and takes longest. */
const LONGEST_FIRST = ["test/", "origin/src/relay/", "lua-gen/src/cli.test.ts", "lua-gen/", "edge/test/"];

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** All test files when none is named; of what is named, those whose path contains it, without the checks before. */
export async function testRun(named: string[]): Promise<number> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await runAll(named, interruption.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

async function runAll(named: string[], signal: AbortSignal): Promise<number> {
  const all = named.length === 0;
  const files = all ? testFiles(WORKSPACES) : [...new Set(named.flatMap(filesOf))];
  const steps = [["lua-gen/bin/lua-gen.mjs", "build", "-p", "edge"]];
  if (all) steps.unshift(["cli/src/check/main.ts"]);
  const progress = createProgress((text) => process.stdout.write(text), process.stdout.isTTY === true);
  // Side by side, because either leaves half of the processor idle.
  const [codes, services] = await Promise.all([
    inOrder(steps, signal),
    progress.step("private services for the tests", startOwnTestServices),
  ]);
  const tests = await runTests(files, services, signal);
  const passed = tests.passed + codes.filter((code) => code === 0).length;
  const failed = tests.failed + codes.filter((code) => code !== 0).length;
  console.log(`\n${passed} passed, ${failed} failed`);
  if (signal.aborted) return 130;
  return failed === 0 && passed > 0 ? 0 : 1;
}

async function inOrder(steps: readonly string[][], signal: AbortSignal): Promise<number[]> {
  const codes: number[] = [];
  for (const args of steps) codes.push(await runNode(args, {}, signal));
  return codes;
}

async function runTests(files: string[], services: TestServices, signal: AbortSignal): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-counts-"));
  try {
    const countsFile = join(folder, "counts.json");
    const { close: _, ...addresses } = services;
    const env = { [TEST_SERVICES_VARIABLE]: JSON.stringify(addresses), SLUICE_TEST_EDGE_COMPILED: "1" };
    const ordered = longestFirst(files).map((file) => join(checkout, file));
    const code = await runNode(["cli/src/test-files.ts", countsFile, ...ordered], env, signal);
    const counts = readCounts(countsFile);
    // A run that ends badly although no test failed (a crash, an interruption) is never a success.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    await services.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** So that none of the long ones begins when the others end, and runs alone. */
function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string) => {
    const found = LONGEST_FIRST.findIndex((start) => file.startsWith(start));
    return found === -1 ? LONGEST_FIRST.length : found;
  };
  return files.toSorted((a, b) => rank(a) - rank(b));
}

function readCounts(file: string): TestCounts {
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return text === "" ? { passed: 0, failed: 0 } : (JSON.parse(text) as TestCounts);
}

/** Those whose path contains the text. Without any, node would run whatever it finds by itself. */
function filesOf(name: string): string[] {
  const files = testFiles(WORKSPACES).filter((path) => path.includes(name));
  if (files.length === 0) throw new Error(`no test file has "${name}" in its path`);
  return files;
}

function testFiles(folders: string[]): string[] {
  const files = folders.flatMap((folder) =>
    globSync(`${folder}/**/*.test.ts`, { cwd: checkout, exclude: ["**/node_modules/**", "**/dist/**"] }),
  );
  return files.toSorted();
}

/** On a terminal Ctrl-C reaches the child by itself; a signal sent to us alone has to be handed on. */
function runNode(args: string[], env: Record<string, string>, signal: AbortSignal): Promise<number> {
  if (signal.aborted) return Promise.resolve(130);
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  const end = () => child.kill("SIGTERM");
  signal.addEventListener("abort", end);
  return new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  }).finally(() => signal.removeEventListener("abort", end));
}
