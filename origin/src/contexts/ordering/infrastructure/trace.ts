import { isUuid } from "../../../kernel/ids.ts";
import type { Database } from "../../../platform/mysql/database.ts";
import type { TraceEvent } from "./trace-event.ts";
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
    refundsOf(database, orderId),
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

/** Each attempt to pay, from its beginning to what is known of it now. */
async function paymentsOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<PaymentRow>(
    "SELECT * FROM payments WHERE order_id = ? ORDER BY created_at, id",
    [orderId],
  );
  return rows.flatMap((row) => {
    const { id } = row;
    const what = `${row.amount_cents} ${row.currency} by ${row.method} at ${row.provider}`;
    const taken = row.taken_cents === null ? "" : `, took ${row.taken_cents} ${row.taken_currency}`;
    const now = `${row.status} ${id}${knownAs(row)}${taken}${asked(row)}${because(row.reason)}`;
    return [
      { at: row.created_at, kind: "payment", text: `started ${id}: ${what}` },
      { at: row.updated_at, kind: "payment", text: now },
    ];
  });
}

/** Money that goes back: who wanted it and why, and how far the last attempt has come. */
async function refundsOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const rows = await database.query<RefundRow>(
    "SELECT * FROM refunds WHERE order_id = ? ORDER BY created_at, id",
    [orderId],
  );
  return rows.flatMap((row) => {
    const { id, payment_id: payment } = row;
    const owed = `owed ${id}: ${row.amount_cents} ${row.currency} of ${payment} by ${row.actor}: ${row.reason}`;
    const tried = `${row.status} ${id}, attempt ${row.attempt}${knownAs(row)}${asked(row)}`;
    const failure = row.failure === "" ? "" : `; last failure: ${row.failure}`;
    return [
      { at: row.created_at, kind: "refund", text: owed },
      { at: row.updated_at, kind: "refund", text: `${tried}${failure}` },
    ];
  });
}

function knownAs({ provider_reference: reference }: Pick<PaymentRow, "provider_reference">): string {
  return reference === null ? "" : ` (${reference})`;
}

/** The count begins anew with each change of state. */
function asked({ checks }: Pick<PaymentRow, "checks">): string {
  return checks === 0 ? "" : `, asked about ${checks} times`;
}

function because(reason: string): string {
  return reason === "" ? "" : `: ${reason}`;
}

interface PaymentRow {
  readonly id: string;
  readonly provider: string;
  readonly method: string;
  readonly status: string;
  readonly amount_cents: number;
  readonly currency: string;
  readonly taken_cents: number | null;
  readonly taken_currency: string | null;
  readonly provider_reference: string | null;
  readonly reason: string;
  readonly checks: number;
  readonly created_at: string;
  readonly updated_at: string;
}

interface RefundRow
  extends Pick<PaymentRow, "id" | "status" | "amount_cents" | "currency" | "provider_reference"> {
  readonly payment_id: string;
  readonly attempt: number;
  readonly actor: string;
  readonly reason: string;
  readonly failure: string;
  readonly checks: number;
  readonly created_at: string;
  readonly updated_at: string;
}
