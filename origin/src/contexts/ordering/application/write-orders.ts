import type { Order } from "../domain/order.ts";
import type { Change, OrderTransaction } from "./ports.ts";

/** An order that is placed by the transaction, with the id of its expiry message. */
export interface PlacedOrder {
  readonly order: Order;
  readonly messageId: string;
  readonly change: Change;
}

/**
 * Writes down orders that are placed, wherever their pieces come from: rows, history, expiry messages and the ledger,
 * one statement for each table. Returns how many unpaid orders each buyer has then. The pieces themselves are for the
 * caller to move.
 */
export async function writeOrders(
  tx: OrderTransaction,
  placed: readonly PlacedOrder[],
): Promise<ReadonlyMap<number, number>> {
  await tx.insertOrders(placed.map(({ order }) => order));
  const unpaid = await tx.appendHistory(
    placed.flatMap(({ order: { id: orderId, userId }, change }) => [
      { orderId, userId, from: undefined, to: "CREATED", change },
      { orderId, userId, from: "CREATED", to: "PENDING_PAYMENT", change },
    ]),
  );
  await tx.scheduleExpiry(placed);
  await tx.appendMovements(
    placed.flatMap(({ order, change }) =>
      order.lines.map((line) => ({ ...line, kind: "RESERVE" as const, orderId: order.id, change })),
    ),
  );
  return unpaid;
}
