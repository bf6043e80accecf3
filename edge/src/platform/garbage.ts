import { giveWay } from "./clock.ts";

/** Steps of the collector in one go, some tenths of a millisecond. */
const STEPS = 100;
const PAUSES_MAX = 5_000;
/** The first may have begun before the last of it was garbage. */
const CYCLES = 2;

/**
 * Gives back what is no longer in use, after work that leaves much behind: by itself the collector lets a worker's heap
 * grow to twice of what is in use before it begins. Gives way to requests between its steps.
 */
export function collectGarbage(this: void): void {
  let cycles = 0;
  for (let pause = 0; pause < PAUSES_MAX; pause++) {
    for (let step = 0; step < STEPS; step++) {
      if (collectgarbage("step", 0)) cycles += 1;
      if (cycles === CYCLES) return;
    }
    giveWay();
  }
}
