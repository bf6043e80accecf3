import { COHERENCE_AGES_MS, differingField, FIELD_SAMPLED } from "@sluice/contract/coherence.ts";
import { pageSampleKey } from "@sluice/contract/keys.ts";
import { isLive } from "../changes/liveness.ts";
import { sleepMs } from "../platform/clock.ts";
import { logError } from "../platform/log.ts";
import { connect, release } from "../platform/redis.ts";
import { every, isExiting } from "../platform/timers.ts";
import type { Page } from "./page.ts";
import { holdsStill, type PathPages, readAgain, somePaths } from "./path-pages.ts";

/**
 * Looks, for as long as the worker lives, whether its pages are what Redis holds, some at a time and at random. A page
 * that differs is looked at again after each of `COHERENCE_AGES_MS` for as long as this worker would still give it, and
 * counted by its age: the change that should have ended it is on its way at first, and was lost at last.
 */
const EVERY_MS = 1_000;
/** Of each kind. */
const PAGES_AT_ONCE = 5;
/** A worker that is told to end does not wait for longer. */
const PAUSE_MAX_MS = 250;

/** KEYS[1] the counters; ARGV: field, count, and again. */
const ADD = `
for i = 1, #ARGV, 2 do
  redis.call("HINCRBY", KEYS[1], ARGV[i], ARGV[i + 1])
end
return 1`;

interface Held {
  cache: PathPages;
  path: string;
  page: Page;
}

/** @perWorker */
let counted = new LuaTable<string, number>();

export function startPageSample(redisPrefix: string, caches: readonly PathPages[]): void {
  const key = pageSampleKey(redisPrefix);
  every(EVERY_MS, () => {
    sample(caches);
    flush(key);
  });
}

function sample(caches: readonly PathPages[]): void {
  if (!isLive()) return;
  let doubtful = someHeld(caches);
  if (doubtful.length === 0) return;
  add(FIELD_SAMPLED, doubtful.length);
  let ageMs = 0;
  for (const nextMs of COHERENCE_AGES_MS) {
    pause(nextMs - ageMs);
    ageMs = nextMs;
    doubtful = differing(doubtful);
    if (doubtful.length === 0) return;
    add(differingField(ageMs), doubtful.length);
  }
  for (const { path } of doubtful) logError(`${path} in this worker's memory differs from Redis`);
}

function someHeld(caches: readonly PathPages[]): Held[] {
  const held: Held[] = [];
  for (const cache of caches) {
    for (const path of somePaths(cache, PAGES_AT_ONCE)) {
      const page = holdsStill(cache, path);
      if (page !== undefined) held.push({ cache, path, page });
    }
  }
  return held;
}

/** Those that this worker would still give, while Redis has another. */
function differing(held: readonly Held[]): Held[] {
  const found: Held[] = [];
  for (const one of held) {
    const body = readAgain(one.cache, one.path);
    // What Redis has not, or not all of, is the origin's.
    if (body === undefined || (one.page.status === 200 && one.page.body === body)) continue;
    if (holdsStill(one.cache, one.path) === one.page) found.push(one);
  }
  return found;
}

function pause(ms: number): void {
  let leftMs = ms;
  while (leftMs > 0 && !isExiting()) {
    const nextMs = math.min(leftMs, PAUSE_MAX_MS);
    sleepMs(nextMs);
    leftMs -= nextMs;
  }
}

function add(field: string, count: number): void {
  const before = counted.get(field);
  counted.set(field, before === undefined ? count : before + count);
}

/** Counts wait while Redis is away; of a write that gets no answer nobody knows whether it was done. */
function flush(key: string): void {
  const [redis] = connect();
  if (redis === undefined) return;
  const fields: (string | number)[] = [];
  for (const [field, count] of counted) fields.push(field, count);
  if (fields.length === 0) {
    release(redis);
    return;
  }
  counted = new LuaTable();
  const [added] = redis.eval(ADD, 1, key, ...fields);
  if (added === undefined) redis.close();
  else release(redis);
}
