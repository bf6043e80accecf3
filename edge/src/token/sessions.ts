import { type ProblemKind, SESSION_REVOKED, SESSION_UNKNOWABLE } from "@sluice/contract/error-codes.ts";
import { FIELD_DOCUMENT, FIELD_VERSION, readyKey, sessionKey } from "@sluice/contract/keys.ts";
import { isLive, wasLiveWithin } from "../changes/liveness.ts";
import { nowMs } from "../platform/clock.ts";
import {
  clearMap,
  createGenerationalMap,
  deleteFrom,
  getFrom,
  putInto,
} from "../platform/generational-map.ts";
import { connect, release, textOf } from "../platform/redis.ts";

/**
 * Which sessions live. The answer of Redis is kept only while the change stream is followed, because only that
 * stream takes it back; at any other time every request asks. Who can't be asked at all is another matter: sessions
 * that lived when Redis was last heard of go on for a grace, all others are refused. What can't be known is never
 * assumed.
 */
const living = createGenerationalMap<true>(50_000);

/** A read that is under way. A change to the session meanwhile makes its answer one that must not be kept. */
interface Read {
  stale: boolean;
  readers: number;
}
/** @perWorker */
const reads = new LuaTable<string, Read>();

let prefix = "";
let graceMs = 0;

/** For so long after a vain attempt Redis is not asked again: requests must not queue up for one that is down. */
const VAIN_PAUSE_MS = 50;
/** @perWorker */
let askedInVainAtMs = 0;

export function configureSessions(redisPrefix: string, graceSeconds: number): void {
  prefix = redisPrefix;
  graceMs = graceSeconds * 1000;
}

/**
 * Whether this worker knows that the session lives. If it doesn't, `sessionProblem` can find out.
 *
 * @hot
 */
export function isKnownToLive(sessionId: string): boolean {
  return isLive() && getFrom(living, sessionId) === true;
}

/** Undefined when the session lives, else why the request is refused. May wait for Redis. */
export function sessionProblem(sessionId: string): ProblemKind | undefined {
  if (isKnownToLive(sessionId)) return undefined;
  let read = reads.get(sessionId);
  if (read === undefined) {
    read = { stale: false, readers: 0 };
    reads.set(sessionId, read);
  }
  read.readers += 1;
  const problem = askRedis(sessionId);
  read.readers -= 1;
  if (read.readers === 0 && reads.get(sessionId) === read) reads.delete(sessionId);
  if (problem === undefined && !read.stale && isLive()) putInto(living, sessionId, true);
  if (problem === SESSION_UNKNOWABLE && isOutOfReach() && mayGoOn(sessionId)) return undefined;
  return problem;
}

/** It lived when this worker last heard of Redis, and that is not long ago. */
function mayGoOn(sessionId: string): boolean {
  return wasLiveWithin(graceMs) && getFrom(living, sessionId) === true;
}

function isOutOfReach(): boolean {
  return nowMs() - askedInVainAtMs <= VAIN_PAUSE_MS;
}

function inVain(): ProblemKind {
  askedInVainAtMs = nowMs();
  return SESSION_UNKNOWABLE;
}

/** The change stream said that something happened to it. */
export function forgetSession(sessionId: string): void {
  deleteFrom(living, sessionId);
  const read = reads.get(sessionId);
  if (read === undefined) return;
  read.stale = true;
  reads.delete(sessionId);
}

/** Changes may have been missed. */
export function forgetAllSessions(): void {
  clearMap(living);
  for (const [sessionId, read] of reads) {
    read.stale = true;
    reads.delete(sessionId);
  }
}

function askRedis(sessionId: string): ProblemKind | undefined {
  if (isOutOfReach()) return SESSION_UNKNOWABLE;
  const [redis] = connect();
  if (redis === undefined) return inVain();
  const [entry] = redis.hmget(sessionKey(prefix, sessionId), FIELD_VERSION, FIELD_DOCUMENT);
  if (!entry) {
    redis.close();
    return inVain();
  }
  if (textOf(entry[1]) !== undefined) {
    release(redis);
    return undefined;
  }
  if (textOf(entry[0]) !== undefined) {
    release(redis);
    return SESSION_REVOKED;
  }
  // Absent: ended and expired if the projections are complete, else anything.
  const [ready, readyError] = redis.get(readyKey(prefix));
  if (readyError !== undefined) {
    redis.close();
    return inVain();
  }
  release(redis);
  return textOf(ready) === undefined ? SESSION_UNKNOWABLE : SESSION_REVOKED;
}
