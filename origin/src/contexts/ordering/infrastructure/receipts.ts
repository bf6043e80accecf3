import type { Sql, Transaction } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";

/** What the worker has done with expiry messages. */
export function receiptsOf(database: Sql): Pick<OrderBook, "pruneReceipts"> {
  return {
    pruneReceipts: async (beforeMs, max) => {
      const { affectedRows } = await database.execute(
        "DELETE FROM expiry_receipts WHERE received_at < ? ORDER BY received_at LIMIT ?",
        [toSqlTime(beforeMs), max],
      );
      return affectedRows;
    },
  };
}

export function receiptsIn(tx: Transaction): Pick<OrderTransaction, "keepReceipts"> {
  return {
    keepReceipts: async (receipts, nowMs) => {
      const rows = receipts.flatMap(({ messageId, orderId, outcome }) =>
        messageId === undefined ? [] : [[messageId, orderId, outcome, toSqlTime(nowMs)]],
      );
      if (rows.length === 0) return;
      // An order that a first delivery has expired is passed by at the second: the first outcome stays.
      await tx.execute(
        `INSERT INTO expiry_receipts (message_id, order_id, outcome, received_at) VALUES ?
         ON DUPLICATE KEY UPDATE deliveries = deliveries + 1`,
        // In one order, or two workers with the same messages would deadlock.
        [rows.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))],
      );
    },
  };
}
