import { type ErrorDefinition, Refusal } from "./errors.ts";

/** Bounds of a group commit. */
export interface GroupLimits {
  /** Items of one batch. */
  readonly batchMax: number;
  /** Batches that run at once. */
  readonly runningMax: number;
  /** What waits for so long, and is no full batch, becomes one beside those that run. */
  readonly patienceMs: number;
  /** Items that wait for a batch; whoever comes then is refused. */
  readonly waitingMax: number;
  /**
   * So long one waits for a batch at most; then it is refused, and nothing will be done for it. Without it for as long
   * as it takes.
   */
  readonly waitMaxMs?: number;
  /** What they are refused with. */
  readonly crowded: ErrorDefinition;
}

/**
 * Group commit: what comes while a batch runs is gathered, and the next batch takes all of it. Nobody waits for
 * others to come: with none running, an item is under way in the same turn of the event loop. So quiet times
 * have batches of one and a crowd has large ones, by itself.
 *
 * Beside one that runs another starts only when it is full, or when what waits has lost its patience: two half-full
 * ones cost as much as two full ones, and one that hangs must not hold up everybody.
 *
 * `run` answers each item in the order of the batch; when it throws, all of the batch fail alike.
 */
export function groupCommit<Item, Answer>(
  run: (batch: readonly Item[]) => Promise<readonly Answer[]>,
  { batchMax, runningMax, patienceMs, waitingMax, waitMaxMs, crowded }: GroupLimits,
): (item: Item) => Promise<Answer> {
  const waiting: Waiting<Item, Answer>[] = [];
  let running = 0;
  let starting = false;
  let patience: NodeJS.Timeout | undefined;
  let oldest: NodeJS.Timeout | undefined;

  const start = () => {
    starting = false;
    while (waiting.length > 0 && (running === 0 || (running < runningMax && waiting.length >= batchMax))) {
      startOne();
    }
    if (waiting.length > 0 && running < runningMax) patience ??= setTimeout(lose, patienceMs);
    watch();
  };

  const startOne = () => {
    clearTimeout(patience);
    patience = undefined;
    running += 1;
    void finish(waiting.splice(0, batchMax));
  };

  const lose = () => {
    patience = undefined;
    if (waiting.length > 0) startOne();
    start();
  };

  /** They stand in the order of their coming, so one timer serves all. */
  const giveUp = (maxMs: number) => {
    oldest = undefined;
    const nowMs = performance.now();
    while (waiting[0] !== undefined && waiting[0].sinceMs + maxMs <= nowMs)
      waiting.shift()?.reject(refusal());
    watch();
  };

  const watch = () => {
    const [first] = waiting;
    if (waitMaxMs === undefined || oldest !== undefined || first === undefined) return;
    const leftMs = first.sinceMs + waitMaxMs - performance.now();
    // What waits has a connection of its own that keeps the process alive.
    oldest = setTimeout(giveUp, Math.max(1, Math.ceil(leftMs)), waitMaxMs).unref();
  };

  const refusal = () => new Refusal(crowded, { headers: { "retry-after": "1" } });

  const finish = async (batch: readonly Waiting<Item, Answer>[]) => {
    try {
      const answers = await run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    running -= 1;
    start();
  };

  return (item) => {
    if (waiting.length >= waitingMax) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      waiting.push({ item, sinceMs: performance.now(), resolve, reject });
      if (starting) return;
      if (running >= runningMax) return watch();
      // After the sockets that are readable now: their requests belong to the same batch.
      starting = true;
      setImmediate(start);
    });
  };
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly sinceMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
