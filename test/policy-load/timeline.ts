/**
 * What may be answered to a subject (an address) when: a list of changes, each with the moment in which it was sent
 * and the moment in which the operator was told that it is done. From then on it must be in force everywhere, after
 * the time that it takes to get there.
 */
export class Timeline {
  readonly #changes: Change[];

  constructor(denied: boolean) {
    this.#changes = [{ denied, sentMs: 0, doneMs: 0 }];
  }

  /** The change is on its way; call what comes back when it was acknowledged. */
  begin(denied: boolean, nowMs: number): (doneMs: number) => void {
    const change: Change = { denied, sentMs: nowMs, doneMs: Number.POSITIVE_INFINITY };
    this.#changes.push(change);
    return (doneMs) => {
      change.doneMs = doneMs;
    };
  }

  /**
   * How late an answer is, ms: 0 when some state that stood between its question and its answer gives it, else how
   * long before the question the newest change was done that makes it wrong.
   */
  latenessMs(denied: boolean, askedMs: number, answeredMs: number): number {
    let lateMs = 0;
    for (let at = this.#changes.length - 1; at >= 0; at--) {
      const change = this.#changes[at] as Change;
      if (change.sentMs > answeredMs) continue;
      if (change.denied === denied) return lateMs;
      // What was before this change was no longer true when it was done.
      if (change.doneMs <= askedMs) lateMs = Math.max(lateMs, askedMs - change.doneMs);
    }
    return Number.POSITIVE_INFINITY;
  }
}

interface Change {
  denied: boolean;
  sentMs: number;
  doneMs: number;
}
