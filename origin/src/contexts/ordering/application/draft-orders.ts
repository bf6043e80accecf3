import { type Order, priceLines, type RequestedLine } from "../domain/order.ts";
import { orderLimits } from "./limits.ts";
import { orderView } from "./order-view.ts";
import type { Change, Claim, KeptAnswer, OrderBook, ProductDirectory } from "./ports.ts";
import { notPriced, soldOut, tooManyUnpaid } from "./refusals.ts";

/** What a customer wants, read and checked, before anybody has looked at prices and stock. */
export interface Placement {
  readonly userId: number;
  /** Merged: one for each product, in ascending order. */
  readonly lines: readonly RequestedLine[];
  readonly claim: Claim | undefined;
  readonly fingerprint: string;
}

/** An order that has everything but its place in the books. */
export interface Draft {
  readonly placement: Placement;
  readonly order: Order;
  readonly messageId: string;
  readonly answer: KeptAnswer;
  readonly change: Change;
}

export type Drafted =
  | { readonly outcome: "drafted"; readonly draft: Draft }
  | { readonly outcome: "refused"; readonly placement: Placement; readonly error: unknown };

/**
 * Prices a batch and looks at the stock and at unpaid orders as they were committed a moment ago: most of a crowd comes too late, and is
 * refused before anything is written or locked. Whoever passes is decided on by the update itself.
 */
export function createDraftOrders(deps: {
  book: Pick<OrderBook, "peekAvailable" | "peekUnpaid">;
  products: ProductDirectory;
  newId: () => string;
  orderTtlMs: number;
  unpaidMax: number;
}) {
  const { book, products, newId, orderTtlMs, unpaidMax } = deps;

  return async (batch: readonly Placement[], nowMs: number): Promise<Drafted[]> => {
    const productIds = [...new Set(batch.flatMap(({ lines }) => lines.map(({ productId }) => productId)))];
    const userIds = [...new Set(batch.map(({ userId }) => userId))];
    const [prices, available, unpaid] = await Promise.all([
      products.findPrices(productIds),
      book.peekAvailable(productIds),
      book.peekUnpaid(userIds),
    ]);

    const draft = (placement: Placement): Drafted => {
      const priced = priceLines(placement.lines, prices, orderLimits.quantityMax);
      if (priced.outcome !== "priced") return { outcome: "refused", placement, error: notPriced(priced) };
      const short = firstShort(placement.lines, available);
      if (short !== undefined) return { outcome: "refused", placement, error: soldOut(short) };
      if ((unpaid.get(placement.userId) ?? 0) >= unpaidMax) {
        return { outcome: "refused", placement, error: tooManyUnpaid(unpaidMax) };
      }
      const order: Order = {
        id: newId(),
        userId: placement.userId,
        status: "PENDING_PAYMENT",
        totalCents: priced.totalCents,
        currency: priced.currency,
        createdAtMs: nowMs,
        expiresAtMs: nowMs + orderTtlMs,
        lines: priced.lines,
      };
      const body = JSON.stringify(orderView(order));
      const { fingerprint, userId } = placement;
      return {
        outcome: "drafted",
        draft: {
          placement,
          order,
          messageId: newId(),
          answer: { fingerprint, orderId: order.id, status: 201, body, createdAtMs: nowMs },
          change: { actor: `user:${userId}`, reason: "placed", nowMs },
        },
      };
    };

    return batch.map((placement) => {
      try {
        return draft(placement);
      } catch (error) {
        // A sum that no money reaches is this order's bug, and nobody else's.
        return { outcome: "refused", placement, error };
      }
    });
  };
}

/** The first product of which there are not as many pieces as are asked for. */
export function firstShort(
  lines: readonly RequestedLine[],
  available: ReadonlyMap<number, number>,
): number | undefined {
  return lines.find(({ productId, quantity }) => (available.get(productId) ?? 0) < quantity)?.productId;
}
