import { isDuplicate, type Sql, type Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import type { RequestedLine } from "../domain/order.ts";
import { emptyStock, type Stock, type StockMovementKind, stockMovements } from "../domain/stock.ts";

/** Stock and its ledger. */
export function stockOf(database: Sql): Pick<OrderBook, "findStock" | "peekAvailable" | "listMovements"> {
  return {
    peekAvailable: async (productIds) => {
      const rows = await database.query<{ product_id: number; available: number }>(
        "SELECT product_id, available FROM stock WHERE product_id IN (?)",
        [productIds],
      );
      return new Map(rows.map((row) => [row.product_id, row.available]));
    },
    listMovements: async (productId, before, limit) => {
      const rows = await database.query<MovementRow>(
        `SELECT id, kind, quantity, order_id, actor, reason, created_at FROM stock_movements
         WHERE product_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
        [productId, before ?? Number.MAX_SAFE_INTEGER, limit],
      );
      return rows.map(({ order_id: orderId, created_at, ...row }) => ({
        ...row,
        orderId,
        atMs: fromSqlTime(created_at),
      }));
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
): Pick<OrderTransaction, "moveStock" | "appendMovements" | "openStock" | "lockStock" | "lockAvailable"> {
  return {
    moveStock: async (kind, pieces) => {
      for (let start = 0; start < pieces.length; start += productsPerUpdate) {
        const some = pieces.slice(start, start + productsPerUpdate);
        if (!(await moveSome(tx, kind, some))) return false;
      }
      return true;
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
    lockAvailable: async (productIds) => {
      const rows = await tx.query<{ product_id: number; available: number }>(
        `SELECT product_id, available FROM stock FORCE INDEX (PRIMARY)
         WHERE product_id IN (?) ORDER BY product_id FOR UPDATE`,
        [productIds],
      );
      return new Map(rows.map((row) => [row.product_id, row.available]));
    },
  };
}

/** More in one statement cost more than another statement: each row runs through the list of quantities. */
const productsPerUpdate = 50;

/** True when the stock of all of them has moved. Rows are locked in the order of the primary key. */
async function moveSome(
  tx: Transaction,
  kind: StockMovementKind,
  pieces: readonly RequestedLine[],
): Promise<boolean> {
  const quantity = `CASE product_id ${pieces.map(() => "WHEN ? THEN ?").join(" ")} END`;
  const quantities = pieces.flatMap(({ productId, quantity }) => [productId, quantity]);
  const moving = (Object.keys(emptyStock) as (keyof Stock)[]).filter(
    (count) => stockMovements[kind][count] !== 0,
  );
  const moved = moving.map((count) => `${count} ${stockMovements[kind][count] > 0 ? "+" : "-"} ${quantity}`);
  const { affectedRows } = await tx.execute(
    `UPDATE stock FORCE INDEX (PRIMARY)
     SET ${moving.map((count, index) => `${count} = ${moved[index]}`).join(", ")}, version = version + 1
     WHERE product_id IN (?) AND ${moved.map((count) => `${count} >= 0`).join(" AND ")}`,
    [
      ...moving.flatMap(() => quantities),
      pieces.map(({ productId }) => productId),
      ...moving.flatMap(() => quantities),
    ],
  );
  return affectedRows === pieces.length;
}

interface MovementRow {
  readonly id: number;
  readonly kind: StockMovementKind;
  readonly quantity: number;
  readonly order_id: string | null;
  readonly actor: string;
  readonly reason: string;
  readonly created_at: string;
}
