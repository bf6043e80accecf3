/**
 * Several batches on their way to Redis at once, so that neither side waits for the other. They are applied in
 * order, because one connection carries them; `done` of each is called in that order too, after all before it.
 */
export interface BatchWindow {
  readonly depth: number;
  /** Resolves when there is room for another batch, at the latest when this one has been applied or failed. */
  add(applied: Promise<unknown>, done: () => void): Promise<void>;
  /** Resolves when nothing is under way any more, applied or failed. */
  settled(): Promise<void>;
}

/** `fail` is told of every batch that failed, or that stood behind one that did: none of those is done. */
export function batchWindow(batchesMax: number, fail: (error: unknown) => void): BatchWindow {
  let depth = 0;
  let last: Promise<unknown> = Promise.resolve();
  let lastSettled: Promise<void> = Promise.resolve();
  let roomMade = () => {};
  return {
    get depth() {
      return depth;
    },
    add: async (applied, done) => {
      depth++;
      last = Promise.all([last, applied]).then(done);
      lastSettled = last
        .then(() => undefined, fail)
        .then(() => {
          depth--;
          roomMade();
        });
      while (depth >= batchesMax) {
        await new Promise<void>((resolve) => {
          roomMade = resolve;
        });
      }
    },
    settled: () => lastSettled,
  };
}
