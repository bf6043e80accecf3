import { logError } from "./log.ts";

/**
 * Runs `work` after the delay, outside any request, where it may wait and use sockets. An error in it is
 * logged and not lost. Nothing runs in a worker that is shutting down.
 */
export function later(delayMs: number, work: (this: void) => void): void {
  const [, err] = ngx.timer.at(delayMs / 1000, runGuarded, work);
  if (err !== undefined && !ngx.worker.exiting()) logError(`no timer: ${err}`);
}

/** Every `intervalMs` until the worker exits. A run that takes longer than the interval is not overlapped. */
export function every(intervalMs: number, work: (this: void) => void): void {
  const again = () => {
    const [ok, err] = pcall(work);
    if (!ok) logError(`timer failed: ${tostring(err)}`);
    if (!ngx.worker.exiting()) later(intervalMs, again);
  };
  later(intervalMs, again);
}

export function isExiting(): boolean {
  return ngx.worker.exiting();
}

function runGuarded(premature: boolean, work: (this: void) => void): void {
  if (premature) return;
  const [ok, err] = pcall(work);
  if (!ok) logError(`timer failed: ${tostring(err)}`);
}
