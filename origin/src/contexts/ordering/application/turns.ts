import { Refusal } from "../../../kernel/errors.ts";
import { orderingErrors } from "../errors.ts";

/** Runs `work` when it is this buyer's turn. */
export type TakeTurn = <T>(userId: number, work: () => Promise<T>) => Promise<T>;

/**
 * Steps of one buyer's orders follow each other at the buyer's row in the database, where each waits with a connection
 * in its hand: some dozens at once would leave none to anybody else. So they wait here, before they take one. Whoever
 * asks for more than may wait is refused, and so is who has waited for too long: nothing was begun for them.
 */
export function createTurns({ atOnce, waitingMax, waitMs }: TurnLimits): TakeTurn {
  const buyers = new Map<number, Buyer>();

  return async (userId, work) => {
    const buyer = buyers.get(userId) ?? { running: 0, waiting: [] };
    buyers.set(userId, buyer);
    if (buyer.running < atOnce) buyer.running += 1;
    else if (buyer.waiting.length < waitingMax) {
      // Whoever ends hands its place on, so `running` stays as it is.
      await turnOf(buyer, waitMs);
    } else throw crowded();
    try {
      return await work();
    } finally {
      const next = buyer.waiting.shift();
      if (next !== undefined) next.begin();
      else buyer.running -= 1;
      if (buyer.running === 0) buyers.delete(userId);
    }
  };
}

export interface TurnLimits {
  readonly atOnce: number;
  readonly waitingMax: number;
  readonly waitMs: number;
}

interface Buyer {
  running: number;
  waiting: { begin(): void }[];
}

function turnOf(buyer: Buyer, waitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const turn = {
      begin: () => {
        clearTimeout(timer);
        resolve();
      },
    };
    const timer = setTimeout(() => {
      buyer.waiting = buyer.waiting.filter((one) => one !== turn);
      reject(crowded());
    }, waitMs);
    buyer.waiting.push(turn);
  });
}

function crowded(): Refusal {
  return new Refusal(orderingErrors.stepsCrowded, { headers: { "retry-after": "1" } });
}
