import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { advance } from "./advance.ts";
import { expiryLimits } from "./limits.ts";
import type { OrderBook } from "./ports.ts";

export interface ExpireOrders {
  /**
   * Expires those of the named orders that are due, and no other: one that is paid, not due yet, or held by
   * another transaction is passed by. Repeating it does no harm. Returns those that could not be expired.
   */
  named(orderIds: readonly string[]): Promise<FailedExpiry[]>;
  /**
   * Expires what is due, whatever the broker did or lost, in batches. Returns how many expired; throws, after
   * it has expired the others, when some could not be.
   */
  sweep(): Promise<number>;
}

export interface FailedExpiry {
  readonly orderId: string;
  readonly error: unknown;
}

/**
 * The fast path (messages) and the authority (the sweeper) meet in the same compare-and-set, so it does not
 * matter which comes first. A batch is one transaction; when one order in it breaks an invariant, they are
 * taken one by one, so that a single broken order holds up nobody else.
 */
export function createExpireOrders({ book, clock }: { book: OrderBook; clock: Clock }): ExpireOrders {
  const expire = (actor: string, orderIds?: readonly string[]) =>
    book.transaction(async (tx) => {
      const nowMs = clock();
      const due = await tx.lockDue(nowMs, expiryLimits.batchMax, orderIds);
      if (due.length > 0) await advance(tx, due, "EXPIRED", { actor, reason: "not paid in time", nowMs });
      return due.length;
    });

  const oneByOne = async (actor: string, orderIds: readonly string[]): Promise<FailedExpiry[]> => {
    const failed: FailedExpiry[] = [];
    for (const orderId of orderIds) {
      const error = await expire(actor, [orderId]).then(() => undefined, unlessRefused);
      if (error !== undefined) failed.push({ orderId, error });
    }
    return failed;
  };

  return {
    named: async (orderIds) => {
      const failed: FailedExpiry[] = [];
      for (let start = 0; start < orderIds.length; start += expiryLimits.batchMax) {
        const batch = orderIds.slice(start, start + expiryLimits.batchMax);
        const error = await expire("expiry:message", batch).then(() => undefined, unlessRefused);
        if (error !== undefined) failed.push(...(await oneByOne("expiry:message", batch)));
      }
      return failed;
    },
    sweep: async () => {
      let expired = 0;
      for (;;) {
        const batch = await expire("expiry:sweeper").catch(unlessRefused);
        if (typeof batch === "number") {
          expired += batch;
          if (batch < expiryLimits.batchMax) return expired;
          continue;
        }
        const due = await book.findDue(clock(), expiryLimits.batchMax);
        const failed = await oneByOne("expiry:sweeper", due);
        if (failed.length > 0) throw stuck(failed);
      }
    },
  };
}

/** A refusal says that a service is away: that is everybody's trouble, not this order's. */
function unlessRefused(error: unknown): unknown {
  if (error instanceof Refusal) throw error;
  return error;
}

function stuck(failed: readonly FailedExpiry[]): AggregateError {
  return new AggregateError(
    failed.map(({ error }) => error),
    `orders that cannot expire: ${failed.map(({ orderId, error }) => `${orderId} (${error})`).join(", ")}`,
  );
}
