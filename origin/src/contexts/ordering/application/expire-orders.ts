import type { Clock } from "../../../kernel/clock.ts";
import { advance } from "./advance.ts";
import { expiryLimits } from "./limits.ts";
import type { OrderBook } from "./ports.ts";

export interface ExpireOrders {
  /**
   * Expires those of the named orders that are due, and no other: one that is paid, not due yet, or held by
   * another transaction is passed by. Repeating it does no harm. Returns how many expired.
   */
  named(orderIds: readonly string[]): Promise<number>;
  /** Expires what is due, whatever the broker did or lost, in batches. Returns how many expired. */
  sweep(): Promise<number>;
}

/**
 * The fast path (messages) and the authority (the sweeper) meet in the same compare-and-set, so it does not
 * matter which comes first.
 */
export function createExpireOrders({ book, clock }: { book: OrderBook; clock: Clock }): ExpireOrders {
  const expire = (actor: string, orderIds?: readonly string[]) =>
    book.transaction(async (tx) => {
      const nowMs = clock();
      const due = await tx.lockDue(nowMs, expiryLimits.batchMax, orderIds);
      if (due.length === 0) return 0;
      await advance(tx, due, "EXPIRED", { actor, reason: "not paid in time", nowMs });
      return due.length;
    });

  return {
    named: async (orderIds) => {
      let expired = 0;
      for (let start = 0; start < orderIds.length; start += expiryLimits.batchMax) {
        expired += await expire("expiry:message", orderIds.slice(start, start + expiryLimits.batchMax));
      }
      return expired;
    },
    sweep: async () => {
      let expired = 0;
      for (;;) {
        const batch = await expire("expiry:sweeper");
        expired += batch;
        if (batch < expiryLimits.batchMax) return expired;
      }
    },
  };
}
