import { Refusal } from "../../../kernel/errors.ts";
import { orderingErrors } from "../errors.ts";

/** Runs `work` when it is this buyer's turn. */
export type TakeTurn = <T>(userId: number, work: () => Promise<T>) => Promise<T>;

/**
 * Steps of one buyer's orders follow each other at the buyer's row in the database, where each waits with a connection
 * in its hand: some dozens at once would leave none to anybody else. So they wait here, before they take one. Whoever
 * asks for more than may wait is refused.
 */
export function createTurns({ atOnce, waitingMax }: { atOnce: number; waitingMax: number }): TakeTurn {
  const buyers = new Map<number, { running: number; waiting: (() => void)[] }>();

  return async (userId, work) => {
    const buyer = buyers.get(userId) ?? { running: 0, waiting: [] };
    buyers.set(userId, buyer);
    if (buyer.running < atOnce) buyer.running += 1;
    else if (buyer.waiting.length < waitingMax) {
      // Whoever ends hands its place on, so `running` stays as it is.
      await new Promise<void>((resolve) => buyer.waiting.push(resolve));
    } else throw new Refusal(orderingErrors.stepsCrowded, { headers: { "retry-after": "1" } });
    try {
      return await work();
    } finally {
      const next = buyer.waiting.shift();
      if (next !== undefined) next();
      else buyer.running -= 1;
      if (buyer.running === 0) buyers.delete(userId);
    }
  };
}
