import { Refusal } from "../../../kernel/errors.ts";
import { identityErrors } from "../errors.ts";

export const hashingLimits = {
  /** Node's thread pool has four threads, and file and DNS work needs one of them as well. */
  runningMax: 3,
  /** About as many as can be served within the edge's patience of ten seconds; the next is told to come back. */
  waitingMax: 100,
  /** Of one address, running and waiting: less than half, so that no single one shuts out all others. */
  ofAddressMax: 50,
} as const;

/** Work that is done for somebody, here by their address; empty for nobody's, which is not bounded by itself. */
export type Turns = <T>(whose: string, work: () => Promise<T>) => Promise<T>;

/**
 * The addresses that wait take turns, whichever of them has the most waiting: somebody who comes alone comes after at
 * most one of each other. Whoever is too many is refused at once.
 */
export function hashingTurns(): Turns {
  let running = 0;
  let waiting = 0;
  const atOnce = new Map<string, number>();
  const lines = new Map<string, (() => void)[]>();
  const count = (whose: string, by: 1 | -1) => {
    const now = (atOnce.get(whose) ?? 0) + by;
    if (now === 0) atOnce.delete(whose);
    else atOnce.set(whose, now);
  };
  const turn = (whose: string) => {
    waiting += 1;
    const line = lines.get(whose) ?? [];
    lines.set(whose, line);
    return new Promise<void>((resolve) => line.push(resolve));
  };
  const next = () => {
    const [first] = lines;
    if (first === undefined) {
      running -= 1;
      return;
    }
    const [whose, line] = first;
    lines.delete(whose);
    waiting -= 1;
    line.shift()?.();
    if (line.length > 0) lines.set(whose, line);
  };
  return async (whose, work) => {
    const isFull = running >= hashingLimits.runningMax;
    if (isFull && waiting >= hashingLimits.waitingMax) throw busy();
    if (whose !== "" && (atOnce.get(whose) ?? 0) >= hashingLimits.ofAddressMax) throw busy();
    count(whose, 1);
    try {
      if (isFull) await turn(whose);
      else running += 1;
      try {
        return await work();
      } finally {
        next();
      }
    } finally {
      count(whose, -1);
    }
  };
}

function busy(): Refusal {
  return new Refusal(identityErrors.busy, { headers: { "retry-after": "5" } });
}
