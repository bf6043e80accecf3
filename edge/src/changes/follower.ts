import { changesKey } from "@sluice/contract/keys.ts";
import { forgetAllLikes } from "../cache/likes.ts";
import { forgetFilter, isFilterLoaded, loadFilter, lookForRelay } from "../cache/product-filter.ts";
import { beginGeneration } from "../cache/product-lists.ts";
import { forgetAllProducts } from "../cache/products.ts";
import { nowMs, sleepMs } from "../platform/clock.ts";
import { collectGarbage } from "../platform/garbage.ts";
import { logNotice, logWarning } from "../platform/log.ts";
import { type Connection, connect, isNil } from "../platform/redis.ts";
import { isExiting, later } from "../platform/timers.ts";
import { noteLoad, notePosition, type Position } from "../policies/snapshot.ts";
import { forgetAllSessions } from "../token/sessions.ts";
import { applyChange } from "./apply.ts";
import { markLive, markLost } from "./liveness.ts";
import { type Loaded, loadAll, loadSales, reachesBack, readEpoch } from "./load.ts";

/**
 * Each worker follows the change stream by itself:
 *
 *     unloaded ──load──▶ following ──gap, epoch, no `ready`──▶ unloaded
 *         ▲                  │
 *         └── contact lost ──┴── contact lost: the position stays, and is checked when contact is back
 *
 * While unloaded or out of contact the worker keeps what it has and answers nothing from caches that only the
 * stream keeps honest.
 */
const BLOCK_MS = 1_000;
/** A blocking read that takes longer than this has lost its Redis. */
const ANSWER_MAX_MS = 2_000;
const BATCH_MAX = 500;
/** How often a worker without complete projections looks again, ms. */
const NOT_READY_PAUSE_MS = 200;
const EPOCH_CHECK_MS = 1_000;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;
/** A timer's memory is freed when it ends: a new one takes over now and then. */
const TIMER_LIFE_MS = 600_000;

let prefix = "";
/** @perWorker */
let loaded: Loaded | undefined;
/** @perWorker */
let epochCheckedAtMs = 0;
/** @perWorker */
let failures = 0;

/** Goes on where the files on disk end, if the stream still reaches back to there. */
export function startFollower(redisPrefix: string, from: Position | undefined): void {
  prefix = redisPrefix;
  if (from !== undefined) {
    loaded = from;
    beginGeneration(from.position);
  }
  later(0, run);
}

function run(this: void): void {
  const [ok, failure] = pcall(follow);
  if (isExiting()) return;
  const problem = ok ? (failure as string | undefined) : tostring(failure);
  if (problem === undefined) {
    later(0, run);
    return;
  }
  markLost();
  if (failures === 0) logWarning(`change stream: ${problem}`);
  failures += 1;
  const backoffMs = math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** math.min(failures, 10));
  // Workers that lost the same Redis must not come back in step.
  later(backoffMs * (0.5 + math.random() / 2), run);
}

/** One connection's life. Returns what ended it, or undefined when its time was up. */
function follow(this: void): string | undefined {
  const [redis, connectError] = connect();
  if (redis === undefined) return connectError;
  redis.set_timeout(ANSWER_MAX_MS);
  const endMs = nowMs() + TIMER_LIFE_MS;
  // Sales are in no file: a worker that goes on from where the files end has none yet.
  let problem = loadSales(redis, prefix, false);
  if (problem === undefined) problem = resume(redis);
  while (problem === undefined && nowMs() < endMs && !isExiting()) {
    problem = loaded === undefined ? load(redis) : readOn(redis, loaded);
  }
  redis.close();
  return problem;
}

/** After a break: what is held is of use only if the stream reaches back to it. */
function resume(redis: Connection): string | undefined {
  if (loaded === undefined) return undefined;
  const [complete, err] = reachesBack(redis, prefix, loaded.position);
  if (err !== undefined) return err;
  if (!complete) forget("changes were missed");
  epochCheckedAtMs = 0;
  // A worker that goes on where the files on disk end has none.
  if (!complete || isFilterLoaded()) return undefined;
  return loadFilter(redis, prefix, loaded.epoch);
}

function load(redis: Connection): string | undefined {
  const [result, err] = loadAll(redis, prefix);
  if (err !== undefined) return err;
  if (result === undefined) {
    markLost();
    sleepMs(NOT_READY_PAUSE_MS);
    return undefined;
  }
  // What was cached before may have missed changes that the load jumped over.
  forgetAllSessions();
  forgetAllProducts();
  forgetAllLikes();
  beginGeneration(result.position);
  loaded = result;
  epochCheckedAtMs = 0;
  noteLoad(result.epoch, result.position);
  logNotice(`loaded policy and lists of epoch ${result.epoch}`);
  later(0, collectGarbage);
  return undefined;
}

/** Whatever ends it: what came is in force, and is on disk behind a position up to which nothing is missing. */
function readOn(redis: Connection, at: Loaded): string | undefined {
  if (nowMs() - epochCheckedAtMs >= EPOCH_CHECK_MS) {
    const [epoch, epochError] = readEpoch(redis, prefix);
    if (epochError !== undefined) return epochError;
    if (epoch !== at.epoch) {
      forget("the projections were rebuilt");
      return undefined;
    }
    const relayError = lookForRelay(redis, prefix);
    if (relayError !== undefined) return relayError;
    epochCheckedAtMs = nowMs();
  }
  const from = at.position;
  const [streams, readError] = redis.xread(
    "COUNT",
    BATCH_MAX,
    "BLOCK",
    BLOCK_MS,
    "STREAMS",
    changesKey(prefix),
    from,
  );
  if (!streams) return readError;
  failures = 0;
  if (isNil(streams)) {
    markLive();
    return undefined;
  }
  const entries = (streams as [string, [string, string[]][]][])[0]?.[1] as [string, string[]][];
  for (const [changeId, fields] of entries) {
    const [applied, applyError] = applyChange(redis, prefix, at.epoch, changeId, fields);
    if (applied === undefined) {
      notePosition(at.epoch, from);
      return applyError;
    }
    if (applied === "reload") {
      notePosition(at.epoch, from);
      forget("a new epoch began");
      return undefined;
    }
  }
  if (entries.length === BATCH_MAX) {
    // Far behind: the stream may have been cut off between our position and what came.
    const [complete, checkError] = reachesBack(redis, prefix, from);
    if (checkError !== undefined || !complete) notePosition(at.epoch, from);
    if (checkError !== undefined) return checkError;
    if (!complete) {
      forget("the stream was cut off before it was read");
      return undefined;
    }
  }
  at.position = (entries[entries.length - 1] as [string, string[]])[0];
  notePosition(at.epoch, at.position);
  if (entries.length < BATCH_MAX) markLive();
  return undefined;
}

function forget(reason: string): void {
  markLost();
  loaded = undefined;
  forgetFilter();
  logNotice(`change stream: ${reason}; loading everything afresh`);
}
