import { isUuid } from "../../../kernel/ids.ts";
import type { Database } from "../../../platform/mysql/database.ts";
import { messagesOf } from "./trace-messages.ts";

/** Everything that is written down about one order, as one story. */
export interface OrderTrace {
  readonly orderId: string;
  readonly userId: number;
  readonly status: string;
  readonly expiresAt: string;
  /** Oldest first. */
  readonly events: readonly TraceEvent[];
}

export interface TraceEvent {
  /** UTC, microseconds. */
  readonly at: string;
  readonly kind: "order" | "stock" | "payment" | "message";
  readonly text: string;
}

/** Undefined when there is no such order. */
export async function traceOrder(database: Database, orderId: string): Promise<OrderTrace | undefined> {
  if (!isUuid(orderId)) return undefined;
  const [order] = await database.query<{ user_id: number; status: string; expires_at: string }>(
    "SELECT user_id, status, expires_at FROM orders WHERE id = ?",
    [orderId],
  );
  if (order === undefined) return undefined;
  const told = await Promise.all([
    historyOf(database, orderId),
    movementsOf(database, orderId),
    paymentsOf(database, orderId),
    messagesOf(database, orderId),
  ]);
  // Events of one moment stay as they were written.
  const events = told.flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return { orderId, userId: order.user_id, status: order.status, expiresAt: order.expires_at, events };
}

async function historyOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<Record<string, string | null>>(
    "SELECT * FROM order_history WHERE order_id = ? ORDER BY id",
    [orderId],
  );
  return rows.map(({ created_at, from_status, to_status, actor, reason }) => ({
    at: created_at ?? "",
    kind: "order",
    text: `${from_status === null ? "" : `${from_status} → `}${to_status} by ${actor}: ${reason}`,
  }));
}

async function movementsOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<{
    created_at: string;
    kind: string;
    quantity: number;
    product_id: number;
  }>("SELECT created_at, kind, quantity, product_id FROM stock_movements WHERE order_id = ? ORDER BY id", [
    orderId,
  ]);
  return rows.map(({ created_at, kind, quantity, product_id }) => ({
    at: created_at,
    kind: "stock",
    text: `${kind} ${quantity} of product ${product_id}`,
  }));
}

async function paymentsOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<PaymentRow>(
    "SELECT * FROM payments WHERE order_id = ? ORDER BY created_at",
    [orderId],
  );
  return rows.flatMap((row) => {
    const what = `${row.id} (${row.provider}, ${row.amount_cents} ${row.currency})`;
    const checked = row.checks > 0 ? `, asked about ${row.checks} times` : "";
    return [
      { at: row.created_at, kind: "payment", text: `started ${what}` },
      {
        at: row.updated_at,
        kind: "payment",
        text: `${row.status} ${row.id}${checked} ${row.reason}`.trimEnd(),
      },
    ];
  });
}

interface PaymentRow {
  readonly id: string;
  readonly provider: string;
  readonly status: string;
  readonly amount_cents: number;
  readonly currency: string;
  readonly reason: string;
  readonly checks: number;
  readonly created_at: string;
  readonly updated_at: string;
}
