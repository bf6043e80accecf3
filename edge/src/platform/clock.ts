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

/** Processor time of one turn of work that others wait for. */
const TURN_SECONDS = 0.002;
/** @perWorker */
let turnBeganAt = 0;

/** Gives way now and then, when it is called often in the middle of long work, and where there is whom to give way to. */
export function giveWayWhenDue(this: void): void {
  if (os.clock() - turnBeganAt < TURN_SECONDS) return;
  if (ngx.get_phase() === "timer") {
    giveWay();
    turnBeganAt = os.clock();
  }
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
