import type { Order, OrderLine } from "../domain/order.ts";
import type { OrderStatus } from "../domain/order-state.ts";
import type { RefundView } from "./refund-view.ts";

/** An order as clients see it. */
export interface OrderView {
  id: string;
  status: OrderStatus;
  totalCents: number;
  currency: string;
  createdAt: string;
  expiresAt: string;
  lines: OrderLine[];
  refunds?: RefundView[];
}

export function orderView(order: Order): OrderView {
  return {
    id: order.id,
    status: order.status,
    totalCents: order.totalCents,
    currency: order.currency,
    createdAt: new Date(order.createdAtMs).toISOString(),
    expiresAt: new Date(order.expiresAtMs).toISOString(),
    lines: order.lines.map(({ productId, quantity, unitPriceCents }) => ({
      productId,
      quantity,
      unitPriceCents,
    })),
  };
}
