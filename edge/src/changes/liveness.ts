import { nowMs } from "../platform/clock.ts";

/**
 * Whether this worker follows the change stream right now. Only then is what it holds as fresh as Redis, and
 * may be answered without asking. Contact that breaks ends it at once; contact that falls silent, after
 * `SILENCE_MAX_MS`.
 */
const SILENCE_MAX_MS = 2_500;

/** @perWorker */
let liveUntilMs = 0;
/** @perWorker */
let lastInContactMs = 0;

export function isLive(): boolean {
  return isLiveAt(nowMs());
}

/**
 * For who has read the clock already.
 *
 * @hot
 */
export function isLiveAt(atMs: number): boolean {
  return atMs < liveUntilMs;
}

/** Everything up to now was read and applied. */
export function markLive(): void {
  lastInContactMs = nowMs();
  liveUntilMs = lastInContactMs + SILENCE_MAX_MS;
}

export function markLost(): void {
  liveUntilMs = 0;
}

/** Whether what was true at the last contact is at most so old. */
export function wasLiveWithin(ms: number): boolean {
  return nowMs() - lastInContactMs <= ms;
}
