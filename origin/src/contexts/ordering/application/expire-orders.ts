import type { Clock } from "../../../kernel/clock.ts";
import { advance } from "./advance.ts";
import { expiryLimits } from "./limits.ts";
import type { OrderBook, OrderTransaction, Reminder } from "./ports.ts";
import { unlessRefused } from "./refusals.ts";
import { createSweepOrders, type FailedExpiry, type Swept } from "./sweep-orders.ts";

export interface ExpireOrders {
  /**
   * Expires those of the orders that are due, and no other: one that is paid, not due yet, or held by another
   * transaction is passed by. What became of each message is written down with it. Repeating it does no harm.
   * Returns those that could not be expired.
   */
  reminded(reminders: readonly Reminder[]): Promise<FailedExpiry[]>;
  /** Expires what is due, whatever the broker did or lost. Throws when a service is away. */
  sweep(): Promise<Swept>;
}

/**
 * The fast path (messages) and the authority (the sweeper) meet in the same compare-and-set, so it does not
 * matter which comes first. Both lock orders by their ids: a sweeper that locked what it finds by the index of due
 * orders would keep those locks of rows that it passes by, and stand in the way of whoever has the rows. A batch is one
 * transaction; when one order in it breaks an invariant, they are taken apart (sweep-orders.ts), so that a broken order
 * holds up nobody else.
 */
export function createExpireOrders({ book, clock }: { book: OrderBook; clock: Clock }): ExpireOrders {
  const expireIn = async (
    tx: OrderTransaction,
    actor: string,
    nowMs: number,
    orderIds: readonly string[],
  ) => {
    const due = await tx.lockDue(nowMs, expiryLimits.batchMax, orderIds);
    if (due.length > 0) await advance(tx, due, "EXPIRED", { actor, reason: "not paid in time", nowMs });
    return due;
  };

  const byMessages = (reminders: readonly Reminder[]) =>
    book.transaction(async (tx) => {
      const nowMs = clock();
      const orderIds = [...new Set(reminders.map(({ orderId }) => orderId))];
      const due = await expireIn(tx, "expiry:message", nowMs, orderIds);
      const expired = new Set(due.map(({ id }) => id));
      await tx.keepReceipts(
        reminders.map((reminder) => ({
          ...reminder,
          outcome: expired.has(reminder.orderId) ? "expired" : "passed-by",
        })),
        nowMs,
      );
    });

  const bySweeper = (orderIds: readonly string[]) =>
    book.transaction(async (tx) => (await expireIn(tx, "expiry:sweeper", clock(), orderIds)).length);

  return {
    reminded: async (reminders) => {
      const failed: FailedExpiry[] = [];
      for (let start = 0; start < reminders.length; start += expiryLimits.batchMax) {
        const batch = reminders.slice(start, start + expiryLimits.batchMax);
        const error = await byMessages(batch).then(() => undefined, unlessRefused);
        if (error === undefined) continue;
        failed.push(
          ...(await oneByOne(
            batch.map(({ orderId }) => orderId),
            (_, index) => byMessages(batch.slice(index, index + 1)),
          )),
        );
      }
      return failed;
    },
    sweep: createSweepOrders({ book, clock, expire: bySweeper }),
  };
}

async function oneByOne(
  orderIds: readonly string[],
  expire: (orderId: string, index: number) => Promise<unknown>,
): Promise<FailedExpiry[]> {
  const failed: FailedExpiry[] = [];
  for (const [index, orderId] of orderIds.entries()) {
    const error = await expire(orderId, index).then(() => undefined, unlessRefused);
    if (error !== undefined) failed.push({ orderId, error });
  }
  return failed;
}
