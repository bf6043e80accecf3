import {
  COUNTER_COUNTRY,
  COUNTER_DECISION,
  COUNTER_OBSERVED,
  COUNTER_OTHER,
  COUNTER_SEPARATOR,
  COUNTERS_MAX,
} from "@sluice/contract/decision-counters.ts";
import { decisionCountersKey } from "@sluice/contract/keys.ts";
import type { Verdict } from "@sluice/contract/policy/decide.ts";
import { logWarning } from "../platform/log.ts";
import { connect, release } from "../platform/redis.ts";
import { every } from "../platform/timers.ts";
import { takeObserved } from "../policies/access.ts";

/**
 * Counts every decision, in tables of this worker: a rule's verdict is one object, so it is its own key. A timer
 * adds them to the counters of all workers. Counts wait while Redis is away; of a write that gets no answer nobody
 * knows whether it was done, and it is not done again.
 */
const FLUSH_INTERVAL_MS = 1_000;
/** Of one script call: Lua passes no more than some 8,000 arguments. */
const BATCH_MAX = 2_000;

/** KEYS[1] the counters; ARGV[1] how many there may be, ARGV[2] the one for the rest; then field, count, and again. */
const ADD = `
for i = 3, #ARGV, 2 do
  local field = ARGV[i]
  if redis.call("HEXISTS", KEYS[1], field) == 0 and redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[1]) then
    field = ARGV[2]
  end
  redis.call("HINCRBY", KEYS[1], field, ARGV[i + 1])
end
return 1`;

/** @perWorker */
let byVerdict = new LuaTable<Verdict, number>();
/** @perWorker */
let allowedByCountry = new LuaTable<string, number>();
/** @perWorker */
let deniedByCountry = new LuaTable<string, number>();
/** @perWorker */
let failing = false;

export function countDecision(country: string, verdict: Verdict): void {
  add(byVerdict, verdict);
  add(verdict.action === "deny" ? deniedByCountry : allowedByCountry, country);
}

/** The decision about that country that was counted last has become another one: a limit by user refused. */
export function amendCount(country: string, counted: Verdict, verdict: Verdict): void {
  byVerdict.set(counted, (byVerdict.get(counted) as number) - 1);
  allowedByCountry.set(country, (allowedByCountry.get(country) as number) - 1);
  countDecision(country, verdict);
}

export function startDecisionCounts(prefix: string): void {
  const key = decisionCountersKey(prefix);
  every(FLUSH_INTERVAL_MS, () => {
    const failure = flush(key);
    // Once for an outage.
    if (failure !== undefined && !failing) logWarning(`decisions are not counted in Redis: ${failure}`);
    failing = failure !== undefined;
  });
}

function add<Key extends AnyNotNil>(counts: LuaTable<Key, number>, key: Key): void {
  const count = counts.get(key);
  counts.set(key, count === undefined ? 1 : count + 1);
}

function flush(key: string): string | undefined {
  const [redis, connectError] = connect();
  if (redis === undefined) return connectError;
  for (const batch of takeBatches()) {
    const [done, writeError] = redis.eval(ADD, 1, key, COUNTERS_MAX, COUNTER_OTHER, ...batch);
    if (done === undefined) {
      redis.close();
      return writeError;
    }
  }
  release(redis);
  return undefined;
}

/** Field, count, and again. */
type Batch = (string | number)[];

function takeBatches(): Batch[] {
  const batches: Batch[] = [];
  for (const [verdict, count] of byVerdict) {
    const { reason, rule, action, status } = verdict;
    // What was amended to nothing.
    if (count === 0) continue;
    put(batches, COUNTER_DECISION, `${reason}|${rule}|${action}|${string.format("%d", status)}`, count);
  }
  for (const [country, count] of allowedByCountry) put(batches, COUNTER_COUNTRY, `${country}|allow`, count);
  for (const [country, count] of deniedByCountry) put(batches, COUNTER_COUNTRY, `${country}|deny`, count);
  for (const [rule, count] of takeObserved()) put(batches, COUNTER_OBSERVED, rule, count);
  byVerdict = new LuaTable();
  allowedByCountry = new LuaTable();
  deniedByCountry = new LuaTable();
  return batches;
}

function put(batches: Batch[], kind: string, labels: string, count: number): void {
  let batch = batches[batches.length - 1];
  if (batch === undefined || batch.length >= BATCH_MAX) {
    batch = [];
    batches.push(batch);
  }
  batch.push(`${kind}${COUNTER_SEPARATOR}${labels}`, count);
}
