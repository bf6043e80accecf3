import * as semaphore from "ngx.semaphore";
import { logWarning } from "../platform/log.ts";
import { type Connection, connect } from "../platform/redis.ts";
import { isExiting, later } from "../platform/timers.ts";
import type { SaleScript } from "../settings.ts";

/**
 * The way of this worker's buyers to Redis: one connection, over which they are admitted in batches and in the order in
 * which their requests were read. A connection for each request would let them overtake each other, and cost more.
 *
 * A timer owns the connection; requests put themselves in line and wait for the answer. One that has waited for too long
 * goes away without knowing, and asks again with the same challenge.
 */
export interface Place {
  args: (string | number)[];
  gate: semaphore.Semaphore;
  reply: (string | number)[] | undefined;
}

/** Requests in line; whoever comes then is told to come again. */
const LINE_MAX = 2_000;
/** Requests of one round trip: Redis takes about 10 µs for each. */
const BATCH_MAX = 100;
/** A request waits for so long. */
const LINE_WAIT_MAX_MS = 2_000;
const ANSWER_MAX_MS = 1_000;
/** Without requests it looks so often whether the worker ends, s. */
const IDLE_S = 1;
/** A timer's memory is freed when it ends: a new one takes over now and then. */
const ROUNDS_MAX = 100_000;

let script: SaleScript = { text: "", sha: "" };
/** @perWorker */
let line: Place[] = [];
/** @perWorker */
let work: semaphore.Semaphore | undefined;
/** @perWorker */
let connection: Connection | undefined;
/** @perWorker */
let failing = false;

export function configureAdmissions(given: SaleScript): void {
  script = given;
}

export function startAdmissionLine(): void {
  const [created] = semaphore.new(0);
  work = created;
  later(0, run);
}

/** What `admit.lua` says; `full` when too many are in line; undefined when nobody knows. */
export type Admission = (string | number)[] | "full" | undefined;

/** `args` are those of `admit.lua`, keys first. */
export function askForAdmission(this: void, args: (string | number)[]): Admission {
  if (work === undefined) return undefined;
  if (line.length >= LINE_MAX) return "full";
  const [gate] = semaphore.new(0);
  if (gate === undefined) return undefined;
  const place: Place = { args, gate, reply: undefined };
  line.push(place);
  if (work.count() <= 0) work.post(1);
  gate.wait(LINE_WAIT_MAX_MS / 1000);
  return place.reply;
}

function run(this: void): void {
  const [ok, failure] = pcall(serve);
  if (connection !== undefined) connection.close();
  connection = undefined;
  if (!ok) logWarning(`admissions: ${tostring(failure)}`);
  if (!isExiting()) later(0, run);
}

function serve(this: void): void {
  for (let round = 0; round < ROUNDS_MAX && !isExiting(); round++) {
    if (line.length === 0) (work as semaphore.Semaphore).wait(IDLE_S);
    if (line.length > 0) serveBatch();
  }
}

function serveBatch(): void {
  const batch = line;
  line = [];
  for (let from = 0; from < batch.length; from += BATCH_MAX) {
    const to = math.min(batch.length, from + BATCH_MAX);
    const problem = admitAll(batch, from, to);
    if (problem !== undefined) {
      // They may have been admitted: asking again tells.
      if (connection !== undefined) connection.close();
      connection = undefined;
      if (!failing) logWarning(`admissions: ${problem}`);
    }
    failing = problem !== undefined;
    for (let at = from; at < to; at++) (batch[at] as Place).gate.post(1);
  }
}

function admitAll(batch: Place[], from: number, to: number): string | undefined {
  const [redis, connectError] = connected();
  if (redis === undefined) return connectError;
  redis.init_pipeline(to - from);
  for (let at = from; at < to; at++) redis.evalsha(script.sha, 3, ...(batch[at] as Place).args);
  const [replies, failure] = redis.commit_pipeline();
  if (replies === undefined) return failure;
  let problem: string | undefined;
  for (let i = 0; i < replies.length; i++) {
    const reply = replies[i] as unknown[];
    if (reply[0] === false) problem = reply[1] as string;
    else (batch[from + i] as Place).reply = reply as (string | number)[];
  }
  return problem;
}

function connected(): LuaMultiReturn<[Connection, undefined] | [undefined, string]> {
  if (connection !== undefined) return $multi(connection, undefined);
  const [redis, failure] = connect();
  if (redis === undefined) return $multi(undefined, failure as string);
  redis.set_timeout(ANSWER_MAX_MS);
  const [, loadError] = redis.script("load", script.text);
  if (loadError !== undefined) {
    redis.close();
    return $multi(undefined, loadError);
  }
  connection = redis;
  return $multi(redis, undefined);
}
