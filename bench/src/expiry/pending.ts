/**
 * Orders that wait for payment, as placing them would have left them: order, line, history, ledger, buyer and
 * reserved stock, written in batches at a given pace, each with the time at which it falls due.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "mysql2/promise";
import { uuidV7 } from "../uuid-v7.ts";

export interface Pending {
  readonly id: string;
  readonly userId: number;
  readonly productId: number;
  readonly expiresAtMs: number;
}

export interface Pace {
  readonly orders: number;
  readonly ordersPerSecond: number;
  readonly ttlSeconds: number;
}

const batchOrders = 500;
/** No user that registers has such an id, so orders of this benchmark are told apart by it. */
export const firstUserId = 1_000_000;
const users = 1_000;

/** `after` runs with each batch that was committed. */
export async function writePending(
  sql: Connection,
  productIds: readonly number[],
  { orders, ordersPerSecond, ttlSeconds }: Pace,
  withOutbox: boolean,
  after: (batch: readonly Pending[]) => Promise<void>,
): Promise<void> {
  const steps = await stepsOf(sql);
  const startedAt = performance.now();
  for (let written = 0; written < orders; written += batchOrders) {
    await delay(Math.max(0, startedAt + (written / ordersPerSecond) * 1_000 - performance.now()));
    const nowMs = Date.now();
    const batch = Array.from({ length: Math.min(batchOrders, orders - written) }, (_, index) => ({
      id: uuidV7(nowMs),
      userId: firstUserId + ((written + index) % users),
      productId: productIds[(written + index) % productIds.length] as number,
      expiresAtMs: nowMs + ttlSeconds * 1_000,
    }));
    await writeBatch(sql, batch, steps, nowMs, withOutbox ? ttlSeconds : undefined);
    await after(batch);
  }
}

async function stepsOf(sql: Connection): Promise<Map<number, number>> {
  const [rows] = await sql.query(`SELECT user_id, events FROM buyers WHERE user_id >= ${firstUserId}`);
  return new Map((rows as { user_id: number; events: number }[]).map((row) => [row.user_id, row.events]));
}

async function writeBatch(
  sql: Connection,
  batch: readonly Pending[],
  steps: Map<number, number>,
  nowMs: number,
  laneTtlSeconds: number | undefined,
): Promise<void> {
  const now = sqlTime(nowMs);
  const history = batch.flatMap(({ id, userId }) => {
    const before = steps.get(userId) ?? 0;
    steps.set(userId, before + 2);
    return [
      [id, userId, before + 1, null, "CREATED", "bench", "placed", now],
      [id, userId, before + 2, "CREATED", "PENDING_PAYMENT", "bench", "placed", now],
    ];
  });
  await sql.beginTransaction();
  await sql.query(
    "INSERT INTO orders (id, user_id, status, total_cents, currency, created_at, expires_at, updated_at) VALUES ?",
    [
      batch.map(({ id, userId, expiresAtMs }) => [
        ...[id, userId, "PENDING_PAYMENT", 100, "EUR"],
        ...[now, sqlTime(expiresAtMs), now],
      ]),
    ],
  );
  await sql.query("INSERT INTO order_lines (order_id, product_id, quantity, unit_price_cents) VALUES ?", [
    batch.map(({ id, productId }) => [id, productId, 1, 100]),
  ]);
  await sql.query(
    `INSERT INTO buyers (user_id, unpaid, events, updated_at) VALUES ?
     ON DUPLICATE KEY UPDATE unpaid = unpaid + VALUES(unpaid), events = events + VALUES(events)`,
    [batch.map(({ userId }) => [userId, 1, 2, now])],
  );
  await sql.query(
    `INSERT INTO order_history
       (order_id, user_id, event_number, from_status, to_status, actor, reason, created_at) VALUES ?`,
    [history],
  );
  await sql.query(
    "INSERT INTO stock_movements (product_id, kind, quantity, order_id, actor, reason, created_at) VALUES ?",
    [batch.map(({ id, productId }) => [productId, "RESERVE", 1, id, "bench", "placed", now])],
  );
  if (laneTtlSeconds !== undefined) {
    await sql.query("INSERT INTO outbox (exchange, routing_key, message_id, subject, payload) VALUES ?", [
      batch.map(({ id }) => [
        ...["ordering.expiry.wait", `${laneTtlSeconds}s.${shardOf(id)}`],
        ...[uuidV7(nowMs), `order:${id}`, JSON.stringify({ orderId: id })],
      ]),
    ]);
  }
  for (const [productId, orders] of Map.groupBy(batch, (order) => order.productId)) {
    await sql.query(
      `UPDATE stock SET available = available - ?, reserved = reserved + ?, version = version + 1
       WHERE product_id = ?`,
      [orders.length, orders.length, productId],
    );
  }
  await sql.commit();
}

const shards = 2;

/** As ordering shards its lanes by default. */
function shardOf(orderId: string): number {
  return Number.parseInt(orderId.slice(-8), 16) % shards;
}

function sqlTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1).replace("T", " ");
}
