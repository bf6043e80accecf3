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
  { batchMax, runningMax, patienceMs, waitingMax, crowded }: GroupLimits,
): (item: Item) => Promise<Answer> {
  const waiting: Waiting<Item, Answer>[] = [];
  let running = 0;
  let starting = false;
  let patience: NodeJS.Timeout | undefined;

  const start = () => {
    starting = false;
    while (waiting.length > 0 && (running === 0 || (running < runningMax && waiting.length >= batchMax))) {
      startOne();
    }
    if (waiting.length > 0 && running < runningMax) patience ??= setTimeout(lose, patienceMs);
  };

  const startOne = () => {
    clearTimeout(patience);
    patience = undefined;
    running += 1;
    void finish(waiting.splice(0, batchMax));
  };

  const lose = () => {
    startOne();
    start();
  };

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
    if (waiting.length >= waitingMax) {
      return Promise.reject(new Refusal(crowded, { headers: { "retry-after": "1" } }));
    }
    return new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // After the sockets that are readable now: their requests belong to the same batch.
      if (starting || running >= runningMax) return;
      starting = true;
      setImmediate(start);
    });
  };
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
