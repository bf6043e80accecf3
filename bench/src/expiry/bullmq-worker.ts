/**
 * What Sluice's worker is held against: BullMQ jobs that were delayed until an order's time, each expiring its order
 * by the same changes in tables of the same form, in one transaction that is one round trip. A process of its own.
 * Arguments: Redis url, prefix, MySQL url, concurrency. Ends by SIGTERM.
 */

import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { createPool } from "mysql2/promise";

const [redisUrl = "", prefix = "", mysqlUrl = "", concurrency = ""] = process.argv.slice(2);
const pool = createPool({ uri: mysqlUrl, connectionLimit: Number(concurrency), multipleStatements: true });
const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });

const worker = new Worker(
  "expiry",
  async ({ data }: { data: { id: string } }) => {
    const { id } = data;
    // The moment at which it begins, as Sluice writes it down.
    const now = new Date().toISOString().slice(0, -1).replace("T", " ");
    const sql = await pool.getConnection();
    try {
      await sql.query(
        `START TRANSACTION;
       SELECT user_id INTO @user FROM orders
         WHERE id = ? AND status IN ('PENDING_PAYMENT', 'FAILED_PAYMENT') AND expires_at <= ? FOR UPDATE;
       UPDATE orders SET status = 'EXPIRED', updated_at = ?, version = version + 1
         WHERE id = ? AND status = 'PENDING_PAYMENT';
       UPDATE buyers SET unpaid = unpaid - 1, events = events + 1 WHERE user_id = @user;
       INSERT INTO order_history
           (order_id, user_id, event_number, from_status, to_status, actor, reason, created_at)
         SELECT ?, user_id, events, 'PENDING_PAYMENT', 'EXPIRED', 'bullmq', 'not paid in time', ?
         FROM buyers WHERE user_id = @user;
       INSERT INTO stock_movements (product_id, kind, quantity, order_id, actor, reason, created_at)
         SELECT product_id, 'RELEASE', quantity, order_id, 'bullmq', 'not paid in time', ?
         FROM order_lines WHERE order_id = ?;
       UPDATE stock s JOIN order_lines l ON l.product_id = s.product_id AND l.order_id = ?
         SET s.available = s.available + l.quantity, s.reserved = s.reserved - l.quantity, s.version = s.version + 1;
       COMMIT`,
        [id, now, now, id, id, now, now, id, id],
      );
    } catch (error) {
      // A deadlock: the job is tried again by BullMQ, and must not find half of itself in the connection.
      await sql.query("ROLLBACK");
      throw error;
    } finally {
      sql.release();
    }
  },
  { connection, prefix, concurrency: Number(concurrency) },
);
worker.on("error", (error) => console.error(error.message));
await worker.waitUntilReady();
console.log("ready");

process.on("SIGTERM", async () => {
  await worker.close();
  connection.disconnect();
  await pool.end();
});
