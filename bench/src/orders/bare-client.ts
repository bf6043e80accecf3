/**
 * The bare transaction: the rows that an order leaves in the tables of Sluice, written by one transaction for each
 * order, and nothing else: no HTTP, no token, no price to look up. All statements of a transaction go to the server
 * in one round trip, which is the most that one transaction per order can be given; the stock comes last, so that
 * a hot row is held as shortly as can be. It counts nobody's unpaid orders, which Sluice does.
 *
 * A process of its own, as an application would be. Arguments: url, product ids, seconds, connections. Prints
 * {@link BareResult} as JSON.
 */
import { createPool, type Pool } from "mysql2/promise";
import { uuidV7 } from "../uuid-v7.ts";

export interface BareResult {
  orders: number;
  durationSeconds: number;
  p50Ms: number;
  p99Ms: number;
  cpuUs: number;
}

const [url = "", products = "", seconds = "", connections = ""] = process.argv.slice(2);
const productIds = products.split(",").map(Number);
const pool = createPool({
  uri: url,
  connectionLimit: Number(connections),
  multipleStatements: true,
});
const latencies: number[] = [];
const startedAt = performance.now();
const end = startedAt + Number(seconds) * 1_000;
const cpuBefore = process.cpuUsage();
await Promise.all(Array.from({ length: Number(connections) }, (_, buyer) => buy(pool, buyer)));
const cpu = process.cpuUsage(cpuBefore);
const durationSeconds = (performance.now() - startedAt) / 1_000;
await pool.end();
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
const result: BareResult = {
  orders: latencies.length,
  durationSeconds,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  cpuUs: cpu.user + cpu.system,
};
console.log(JSON.stringify(result));

async function buy(from: Pool, buyer: number): Promise<void> {
  for (let n = buyer; performance.now() < end; n += 1) {
    const before = performance.now();
    await place(from, buyer + 1, productIds[n % productIds.length] as number);
    latencies.push(performance.now() - before);
  }
}

async function place(from: Pool, userId: number, productId: number): Promise<void> {
  // As Sluice makes them: by time, so that rows written together lie together in the index.
  const [order, message] = [uuidV7(Date.now()), uuidV7(Date.now())];
  const key = `bare-${order}`;
  const actor = `user:${userId}`;
  const body = JSON.stringify({
    id: order,
    status: "PENDING_PAYMENT",
    totalCents: 100,
    currency: "EUR",
    createdAt: new Date().toISOString(),
    expiresAt: new Date().toISOString(),
    lines: [{ productId, quantity: 1, unitPriceCents: 100 }],
  });
  const [results] = await from.query<[]>(
    `START TRANSACTION;
     INSERT INTO order_idempotency (user_id, idempotency_key, fingerprint, order_id, status, body, created_at)
       VALUES (?, ?, ?, ?, 201, ?, UTC_TIMESTAMP(6));
     INSERT INTO orders (id, user_id, status, total_cents, currency, created_at, expires_at, updated_at)
       VALUES (?, ?, 'PENDING_PAYMENT', 100, 'EUR', UTC_TIMESTAMP(6), '2099-01-01', UTC_TIMESTAMP(6));
     INSERT INTO order_lines (order_id, product_id, quantity, unit_price_cents) VALUES (?, ?, 1, 100);
     INSERT INTO order_history
         (order_id, user_id, event_number, from_status, to_status, actor, reason, created_at)
       VALUES (?, ?, UUID_SHORT(), NULL, 'CREATED', ?, 'placed', UTC_TIMESTAMP(6)),
              (?, ?, UUID_SHORT(), 'CREATED', 'PENDING_PAYMENT', ?, 'placed', UTC_TIMESTAMP(6));
     INSERT INTO outbox (exchange, routing_key, message_id, payload) VALUES ('bare', 'bare', ?, ?);
     INSERT INTO stock_movements (product_id, kind, quantity, order_id, actor, reason, created_at)
       VALUES (?, 'RESERVE', 1, ?, ?, 'placed', UTC_TIMESTAMP(6));
     UPDATE stock SET available = available - 1, reserved = reserved + 1, version = version + 1
       WHERE product_id = ? AND available >= 1;
     COMMIT`,
    [
      ...[userId, key, "0".repeat(64), order, body],
      ...[order, userId],
      ...[order, productId],
      ...[order, userId, actor, order, userId, actor],
      ...[message, JSON.stringify({ orderId: order })],
      ...[productId, order, actor],
      productId,
    ],
  );
  const update = (results as unknown as { affectedRows: number }[])[7];
  if (update?.affectedRows !== 1) throw new Error("the bare transaction sold nothing");
}
