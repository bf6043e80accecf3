import { createDueTimes, type DueTimes } from "./due-times.ts";

/** Of what rules limit, and of who tries to buy too often. Inherited from the master. @perWorker */
let times: DueTimes | undefined;

/** In the master, before workers are forked. Throws when there is no memory. */
export function createLimitTimes(keysMax: number): void {
  times = createDueTimes("due-times", keysMax);
}

/** @hot */
export function limitTimes(): DueTimes {
  return times as DueTimes;
}
