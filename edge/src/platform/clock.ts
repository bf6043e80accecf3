/** nginx's cached time, read once for each turn of its event loop: milliseconds behind at most, and free. */
export function nowMs(): number {
  return ngx.now() * 1000;
}

/**
 * Lets the requests that wait be served first. By a millisecond: of a sleep of none, nginx warns each time where it is
 * built without OpenResty's patch for delayed events, as Debian's is.
 */
export function giveWay(): void {
  ngx.sleep(0.001);
}

/** Waits without blocking the worker. */
export function sleepMs(ms: number): void {
  ngx.sleep(ms / 1000);
}

/** As exact as the machine's clock, for what is compared with another worker's time. Asks the kernel. */
export function preciseNowMs(): number {
  ngx.update_time();
  return ngx.now() * 1000;
}
