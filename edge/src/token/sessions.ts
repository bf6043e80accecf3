import { type ProblemKind, SESSION_REVOKED, SESSION_UNKNOWABLE } from "@sluice/contract/error-codes.ts";
import { FIELD_DOCUMENT, FIELD_VERSION, readyKey, sessionKey } from "@sluice/contract/keys.ts";
import { isLive } from "../changes/liveness.ts";
import {
  clearMap,
  createGenerationalMap,
  deleteFrom,
  getFrom,
  putInto,
} from "../platform/generational-map.ts";
import { connect, release, textOf } from "../platform/redis.ts";

/**
 * Which sessions live. The answer of Redis is kept only while the change stream is followed, because only
 * that stream takes it back; at any other time every request asks. What can't be known is refused, never
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

export function configureSessions(redisPrefix: string): void {
  prefix = redisPrefix;
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
  return problem;
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
  const [redis] = connect();
  if (redis === undefined) return SESSION_UNKNOWABLE;
  const [entry] = redis.hmget(sessionKey(prefix, sessionId), FIELD_VERSION, FIELD_DOCUMENT);
  if (!entry) {
    redis.close();
    return SESSION_UNKNOWABLE;
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
    return SESSION_UNKNOWABLE;
  }
  release(redis);
  return textOf(ready) === undefined ? SESSION_UNKNOWABLE : SESSION_REVOKED;
}
