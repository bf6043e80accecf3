/** nginx's cached time, read once for each turn of its event loop: milliseconds behind at most, and free. */
export function nowMs(): number {
  return ngx.now() * 1000;
}

/** Waits without blocking the worker. */
export function sleepMs(ms: number): void {
  ngx.sleep(ms / 1000);
}
