import { isUuid } from "../../../kernel/ids.ts";
import type { Database } from "../../../platform/mysql/database.ts";
import { orderSubject } from "./expiry-lanes.ts";

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
    parkedOf(database, orderId),
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

async function messagesOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<MessageRow>(
    `SELECT m.*, r.outcome, r.deliveries, r.received_at FROM outbox m
     LEFT JOIN expiry_receipts r ON r.message_id = m.message_id
     WHERE m.subject = ? ORDER BY m.id`,
    [orderSubject(orderId)],
  );
  return rows.flatMap((row) => {
    const { message_id: id } = row;
    const to = `${row.exchange} ${row.routing_key}`;
    const events: TraceEvent[] = [
      { at: row.created_at, kind: "message", text: `${id} written for ${to}${waiting(row)}` },
    ];
    if (row.failed_at !== null) {
      const text = `${id} not taken by the broker, ${row.failures} times; last: ${row.failure}`;
      events.push({ at: row.failed_at, kind: "message", text });
    }
    if (row.published_at !== null) {
      events.push({ at: row.published_at, kind: "message", text: `${id} confirmed by the broker` });
    }
    if (row.received_at !== null) {
      const times = row.deliveries === 1 ? "" : `, delivered ${row.deliveries} times`;
      events.push({ at: row.received_at, kind: "message", text: `${id} received: ${row.outcome}${times}` });
    }
    return events;
  });
}

function waiting({ published_at, received_at }: MessageRow): string {
  if (published_at === null) return "; waits in the outbox";
  return received_at === null ? "; waits with the broker" : "";
}

async function parkedOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<{ id: number; reason: string; parked_at: string }>(
    "SELECT id, reason, parked_at FROM parked_messages WHERE INSTR(body, ?) > 0 ORDER BY id",
    [orderId],
  );
  return rows.map(({ id, reason, parked_at }) => ({
    at: parked_at,
    kind: "message",
    text: `parked as ${id}: ${reason}`,
  }));
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

interface MessageRow {
  readonly message_id: string;
  readonly exchange: string;
  readonly routing_key: string;
  readonly created_at: string;
  readonly published_at: string | null;
  readonly failures: number;
  readonly failure: string | null;
  readonly failed_at: string | null;
  readonly outcome: string | null;
  readonly deliveries: number | null;
  readonly received_at: string | null;
}
