/**
 * Runs test files, each in a process of its own, in the order in which they are named (`node --test` would sort
 * them): the longest come first, so that none of them runs alone at the end. Says how each test went, which files
 * took longest, and leaves the counts in a file:
 *
 *     node cli/src/test-files.ts /tmp/counts.json a.test.ts b.test.ts
 */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { checkout } from "./settings.ts";

/** More files at once only make them wait for each other: each drives real servers on the same cores. */
const FILES_AT_ONCE = 2;
/** Of a file too, and the longest, a campaign of kills, takes two minutes: what takes three times as long hangs. */
const TEST_TIMEOUT_MS = 360_000;
/** A file that takes less is not worth a look. */
const SLOW_FILE_MS = 10_000;
const SLOW_FILES_MAX = 15;

export interface TestCounts {
  passed: number;
  failed: number;
}

const [countsFile = "", ...files] = process.argv.slice(2);
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => interruption.abort());
const events = run({
  files,
  concurrency: FILES_AT_ONCE,
  timeout: TEST_TIMEOUT_MS,
  cwd: checkout,
  signal: interruption.signal,
});
const tookMs = new Map<string, number>();

events.on("test:complete", ({ name, details }) => {
  if (files.includes(name)) tookMs.set(name, details.duration_ms);
});
/** Only the summary of the whole run has no file; those of single files come before it. */
events.on("test:summary", ({ file, counts, success }) => {
  if (file !== undefined) return;
  const { tests, passed, skipped, todo } = counts;
  const outcome: TestCounts = { passed, failed: tests - passed - skipped - todo };
  writeFileSync(countsFile, JSON.stringify(outcome));
  if (!success) process.exitCode = 1;
});
const report = events.compose(spec);
report.once("end", sayWhichWereSlow);
report.pipe(process.stdout);

function sayWhichWereSlow(): void {
  const slow = [...tookMs].filter(([, ms]) => ms >= SLOW_FILE_MS).toSorted(([, a], [, b]) => b - a);
  for (const [file, ms] of slow.slice(0, SLOW_FILES_MAX)) {
    console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${relative(checkout, file)}`);
  }
}
