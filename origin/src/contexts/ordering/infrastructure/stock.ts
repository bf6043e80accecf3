import { isDuplicate, type Sql, type Transaction } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import { type Stock, stockDelta } from "../domain/stock.ts";

/** Stock and its ledger. */
export function stockOf(database: Sql): Pick<OrderBook, "findStock" | "peekAvailable"> {
  return {
    peekAvailable: async (productIds) => {
      const rows = await database.query<{ product_id: number; available: number }>(
        "SELECT product_id, available FROM stock WHERE product_id IN (?)",
        [productIds],
      );
      return new Map(rows.map((row) => [row.product_id, row.available]));
    },
    findStock: async (productId) => {
      const [row] = await database.query<Stock>(
        "SELECT total, available, reserved, sold FROM stock WHERE product_id = ?",
        [productId],
      );
      return row;
    },
  };
}

export function stockIn(
  tx: Transaction,
): Pick<OrderTransaction, "moveStock" | "appendMovements" | "openStock" | "lockStock"> {
  return {
    moveStock: async (productId, kind, quantity) => {
      const { total, available, reserved, sold } = stockDelta(kind, quantity);
      const { affectedRows } = await tx.execute(
        `UPDATE stock
         SET total = total + ?, available = available + ?, reserved = reserved + ?, sold = sold + ?,
             version = version + 1
         WHERE product_id = ? AND available + ? >= 0 AND reserved + ? >= 0 AND sold + ? >= 0`,
        [total, available, reserved, sold, productId, available, reserved, sold],
      );
      return affectedRows === 1;
    },
    appendMovements: async (entries) => {
      await tx.execute(
        `INSERT INTO stock_movements (product_id, kind, quantity, order_id, actor, reason, created_at)
         VALUES ?`,
        [
          entries.map(({ productId, kind, quantity, orderId, change }) => [
            productId,
            kind,
            quantity,
            orderId ?? null,
            change.actor,
            change.reason,
            toSqlTime(change.nowMs),
          ]),
        ],
      );
    },
    openStock: async (productId) => {
      try {
        await tx.execute(
          "INSERT INTO stock (product_id, total, available, reserved, sold) VALUES (?, 0, 0, 0, 0)",
          [productId],
        );
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    lockStock: async (productId) => {
      const [row] = await tx.query<Stock>(
        "SELECT total, available, reserved, sold FROM stock WHERE product_id = ? FOR UPDATE",
        [productId],
      );
      return row;
    },
  };
}
