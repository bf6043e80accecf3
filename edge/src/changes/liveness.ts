import { nowMs } from "../platform/clock.ts";

/**
 * Whether this worker follows the change stream right now. Only then is what it holds as fresh as Redis, and
 * may be answered without asking. Contact that breaks ends it at once; contact that falls silent, after
 * `SILENCE_MAX_MS`.
 */
const SILENCE_MAX_MS = 2_500;

/** @perWorker */
let liveUntilMs = 0;

export function isLive(): boolean {
  return nowMs() < liveUntilMs;
}

/** Everything up to now was read and applied. */
export function markLive(): void {
  liveUntilMs = nowMs() + SILENCE_MAX_MS;
}

export function markLost(): void {
  liveUntilMs = 0;
}
