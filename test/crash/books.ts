import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Acknowledged } from "./crowd.ts";
import type { BookedPayment } from "./money.ts";

/** From the moment at which something was hurt until everything was well again. */
export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** An unpaid order is that late at most when nothing is wrong, and after the end of an outage. */
export interface Lateness {
  readonly calmMs: number;
  readonly afterOutageMs: number;
}

/** Looks into the database, past the system, for what was promised. */
export interface Books {
  /**
   * Acknowledged orders that are not there or not what was promised; and, of all that were made since the oldest of
   * them, those that nobody asked for or that were made twice.
   */
  broken(acknowledged: readonly Acknowledged[]): Promise<string[]>;
  /** Orders that expired too early or too late, or are unpaid still after their time. */
  notInTime(outages: readonly Outage[], bound: Lateness): Promise<string[]>;
  /** How many wait for payment, due or not. */
  unpaid(): Promise<number>;
  /** How many messages the relay has not published yet. */
  unpublished(): Promise<number>;
  /** Payments and refunds of which nobody knows yet what becomes of them. */
  undecided(): Promise<number>;
  /** Every attempt to pay, with what has gone back of orders that are paid still. */
  payments(): Promise<BookedPayment[]>;
  /** Lateness of all orders that have expired, milliseconds, ascending. */
  latenesses(): Promise<number[]>;
  close(): Promise<void>;
}

export async function openBooks(mysqlUrl: string): Promise<Books> {
  // Each question by a connection of its own: the server is among those that are killed.
  const ask = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> => {
    const connection: Connection = await createConnection({ uri: mysqlUrl, dateStrings: true });
    try {
      const [rows] = await connection.query<RowDataPacket[]>(sql, values);
      return rows as Row[];
    } finally {
      await connection.end();
    }
  };
  const count = async (sql: string) => Number((await ask<{ n: number }>(sql))[0]?.n ?? 0);

  return {
    broken: async (acknowledged) => {
      const orders = await ask<OrderRow>(
        `SELECT o.id, o.user_id, o.status, COUNT(k.order_id) AS claims, MIN(k.idempotency_key) AS claim
         FROM orders o LEFT JOIN order_idempotency k ON k.order_id = o.id
         WHERE o.id >= ? GROUP BY o.id, o.user_id, o.status`,
        [oldestOf(acknowledged)],
      );
      const byId = new Map(orders.map((order) => [order.id, order]));
      const faults = orders
        .filter(({ claims }) => Number(claims) !== 1)
        .map(({ id, claims }) => `order ${id} has ${claims} keys: it was made twice, or by nobody`);
      for (const { orderId, userId, key, promised } of acknowledged) {
        const order = byId.get(orderId);
        if (order === undefined) faults.push(`order ${orderId} was acknowledged and is not there`);
        else if (order.user_id !== userId || order.claim !== key)
          faults.push(`order ${orderId} is another's`);
        else if (promised !== undefined && order.status !== promised) {
          faults.push(`order ${orderId} was acknowledged as ${promised} and is ${order.status}`);
        }
      }
      return faults;
    },
    notInTime: async (outages, bound) => {
      const orders = await ask<ExpiryRow>(expiries);
      return orders.flatMap((order) => lateOrEarly(order, outages, bound) ?? []);
    },
    unpaid: () =>
      count("SELECT COUNT(*) AS n FROM orders WHERE status IN ('PENDING_PAYMENT', 'FAILED_PAYMENT')"),
    unpublished: () => count("SELECT COUNT(*) AS n FROM outbox WHERE published_at IS NULL"),
    undecided: () =>
      count(`SELECT (SELECT COUNT(*) FROM payments WHERE status = 'STARTED')
                  + (SELECT COUNT(*) FROM refunds WHERE status <> 'DONE') AS n`),
    payments: () =>
      ask<BookedPayment>(
        `SELECT p.id, p.order_id, o.status AS order_status, o.total_cents,
                COALESCE((SELECT SUM(r.amount_cents) FROM refunds r
                          WHERE r.payment_id = p.id AND p.status = 'SUCCEEDED'), 0) AS refunded_cents
         FROM payments p JOIN orders o ON o.id = p.order_id`,
      ),
    latenesses: async () => {
      const rows = await ask<ExpiryRow>(`${expiries} AND h.id IS NOT NULL`);
      return rows.map((row) => Number(row.ended_ms) - Number(row.expires_ms)).sort((a, b) => a - b);
    },
    close: async () => undefined,
  };
}

const behindAllIds = "g";

/** Ids begin with the time at which they were made. */
function oldestOf(acknowledged: readonly Acknowledged[]): string {
  const [oldest = behindAllIds] = acknowledged.map(({ orderId }) => orderId).sort();
  return oldest;
}

/** Orders that have expired, or should have. */
const expiries = `
  SELECT o.id, o.status, UNIX_TIMESTAMP(o.expires_at) * 1000 AS expires_ms,
         UNIX_TIMESTAMP(COALESCE(h.created_at, UTC_TIMESTAMP(6))) * 1000 AS ended_ms
  FROM orders o LEFT JOIN order_history h ON h.order_id = o.id AND h.to_status = 'EXPIRED'
  WHERE o.status IN ('EXPIRED', 'PENDING_PAYMENT', 'FAILED_PAYMENT') AND o.expires_at <= UTC_TIMESTAMP(6)`;

interface OrderRow {
  readonly id: string;
  readonly user_id: number;
  readonly status: string;
  readonly claims: number;
  readonly claim: string | null;
}

interface ExpiryRow {
  readonly id: string;
  readonly status: string;
  readonly expires_ms: string;
  readonly ended_ms: string;
}

function lateOrEarly(
  { id, status, expires_ms, ended_ms }: ExpiryRow,
  outages: readonly Outage[],
  { calmMs, afterOutageMs }: Lateness,
): string | undefined {
  const [expiresMs, endedMs] = [Number(expires_ms), Number(ended_ms)];
  if (endedMs < expiresMs) return `order ${id} expired ${expiresMs - endedMs} ms before its time`;
  // Also one that was over before the order fell due: what has 15 s to recover may still be at it.
  const lastOutageMs = Math.max(
    ...outages.filter(({ fromMs }) => fromMs <= endedMs).map(({ untilMs }) => untilMs),
    Number.NEGATIVE_INFINITY,
  );
  const allowedMs = Math.max(expiresMs + calmMs, lastOutageMs + afterOutageMs);
  if (endedMs <= allowedMs) return undefined;
  return `order ${id} is ${status} ${Math.round(endedMs - expiresMs)} ms after its time`;
}
