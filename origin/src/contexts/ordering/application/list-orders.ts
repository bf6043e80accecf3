import { Refusal } from "../../../kernel/errors.ts";
import { orderingErrors } from "../errors.ts";
import { type OrderView, orderView } from "./order-view.ts";
import type { OrderBook } from "./ports.ts";
import { refundView } from "./refund-view.ts";

export interface OrderPage {
  items: OrderView[];
  /** Opaque; null on the last page. */
  nextCursor: string | null;
}

/** A user's orders, newest first: their ids are UUID v7, which sort by time. */
export async function listOrders(
  book: OrderBook,
  userId: number,
  cursor: string | undefined,
  limit: number,
): Promise<OrderPage> {
  const beforeId = cursor === undefined ? undefined : readCursor(cursor);
  const found = await book.list(userId, beforeId, limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    found.length > limit && last !== undefined ? Buffer.from(last.id).toString("base64url") : null;
  return { items: items.map(orderView), nextCursor };
}

export async function findOrder(book: OrderBook, userId: number, orderId: string): Promise<OrderView> {
  const order = await book.find(userId, orderId);
  if (order === undefined) throw new Refusal(orderingErrors.orderNotFound);
  const refunds = await book.refundsOf(orderId);
  return refunds.length === 0 ? orderView(order) : { ...orderView(order), refunds: refunds.map(refundView) };
}

function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, "base64url").toString("latin1");
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new Refusal(orderingErrors.cursorInvalid);
  return id;
}
