/** Limits over generated arrivals, held against a bucket that is counted in fractions of big integers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds } from "./arbitraries.ts";
import { inEveryRuntime } from "./in-every-runtime.ts";

const { agree, cases } = inEveryRuntime();

/** 2026-11-30, and as exact in 2042. */
const STARTS_MS = [1_796_000_000_000, 2_290_000_000_000];

const at = (limit: string, ms: number) => `arrive ${limit} ${(STARTS_MS[0] as number) + ms}`;

cases("a burst passes at once, then one at each interval", [
  [at("address 10 5 3", 0), 'passed 2 left, all in 1 s, again in 0 s, "login";q=3;w=2'],
  [at("address 10 5 3", 0), 'passed 1 left, all in 1 s, again in 0 s, "login";q=3;w=2'],
  [at("address 10 5 3", 0), 'passed 0 left, all in 2 s, again in 0 s, "login";q=3;w=2'],
  [at("address 10 5 3", 0), 'refused 0 left, all in 2 s, again in 1 s, "login";q=3;w=2'],
  [at("address 10 5 3", 499), 'refused 0 left, all in 2 s, again in 1 s, "login";q=3;w=2'],
  [at("address 10 5 3", 500), 'passed 0 left, all in 2 s, again in 0 s, "login";q=3;w=2'],
  [at("address 10 5 3", 500), 'refused 0 left, all in 2 s, again in 1 s, "login";q=3;w=2'],
]);

cases("without a burst all requests of the period may come at once", [
  [at("user 2 60 -", 0), 'passed 1 left, all in 30 s, again in 0 s, "login";q=2;w=60'],
  [at("user 2 60 -", 0), 'passed 0 left, all in 60 s, again in 0 s, "login";q=2;w=60'],
  [at("user 2 60 -", 0), 'refused 0 left, all in 60 s, again in 30 s, "login";q=2;w=60'],
]);

cases("a clock that is put back keeps nobody out for longer than the burst takes", [
  [at("route 1 1 2", 3_600_000), 'passed 1 left, all in 1 s, again in 0 s, "login";q=2;w=2'],
  [at("route 1 1 2", 0), 'refused 0 left, all in 2 s, again in 1 s, "login";q=2;w=2'],
  [at("route 1 1 2", 1_000), 'passed 0 left, all in 2 s, again in 0 s, "login";q=2;w=2'],
]);

const arrivals = fc.record({
  startMs: fc.constantFrom(...STARTS_MS),
  // Rates whose intervals are whole milliseconds: the bucket is exact in them.
  rate: fc.constantFrom([1, 1], [10, 1], [1_000, 1], [60, 60], [1, 3_600]),
  burst: fc.integer({ min: 1, max: 12 }),
  /** How long after the one before each comes, ms. */
  gaps: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.nat(10_000_000)), {
    minLength: 1,
    maxLength: 25,
  }),
});

test("all let through what a bucket of tokens would", async (t) => {
  await holds(t, arrivals, async ({ startMs, rate: [requests, seconds], burst, gaps }) => {
    const intervalMs = (Number(seconds) * 1_000) / Number(requests);
    const questions: string[] = [];
    const expected: string[] = [];
    let nowMs = startMs;
    let tokensMs = burst * intervalMs;
    for (const gap of gaps) {
      nowMs += gap;
      tokensMs = Math.min(burst * intervalMs, tokensMs + gap);
      const passes = tokensMs >= intervalMs;
      if (passes) tokensMs -= intervalMs;
      questions.push(`arrive\troute\t${requests}\t${seconds}\t${burst}\t${nowMs}`);
      expected.push(`${passes ? "passed" : "refused"} ${Math.floor(tokensMs / intervalMs)} left`);
    }
    const answers = await agree(questions);
    assert.deepEqual(
      answers.map((line) => line.split(",")[0]),
      expected,
    );
  });
});
