import { isUuid } from "../../../kernel/ids.ts";
import type { Sql, Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { DueOrder, OrderBook, OrderTransaction } from "../application/ports.ts";
import type { Order, OrderLine } from "../domain/order.ts";
import { type OrderStatus, unpaidStatuses } from "../domain/order-state.ts";

/** Orders with their lines. */
export function ordersOf(database: Sql): Pick<OrderBook, "find" | "list" | "findDue"> {
  return {
    find: async (userId, orderId) => {
      if (!isUuid(orderId)) return undefined;
      const rows = await database.query<OrderRow>("SELECT * FROM orders WHERE id = ? AND user_id = ?", [
        orderId,
        userId,
      ]);
      return (await withLines(database, rows))[0];
    },
    list: async (userId, beforeId, limit) => {
      const rows = await database.query<OrderRow>(
        `SELECT * FROM orders WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
        // "~" is above every character of an id.
        [userId, beforeId ?? "~", limit],
      );
      return withLines(database, rows);
    },
    findDue: (nowMs, max, after) => findDue(database, nowMs, max, after),
  };
}

/** One range of the index for each state: an IN over both would sort all that are due. */
async function findDue(
  database: Sql,
  nowMs: number,
  max: number,
  after: DueOrder | undefined,
): Promise<DueOrder[]> {
  const due: DueOrder[] = [];
  const all: readonly OrderStatus[] = unpaidStatuses;
  const states = after === undefined ? all : all.slice(all.indexOf(after.status));
  for (const status of states) {
    const [fromMs, behindId] = after?.status === status ? [after.expiresAtMs, after.id] : [0, ""];
    const rows = await database.query<{ id: string; expires_at: string }>(
      `SELECT id, expires_at FROM orders
       WHERE status = ? AND expires_at BETWEEN ? AND ? AND (expires_at > ? OR id > ?)
       ORDER BY expires_at, id LIMIT ?`,
      [status, toSqlTime(fromMs), toSqlTime(nowMs), toSqlTime(fromMs), behindId, max - due.length],
    );
    for (const { id, expires_at } of rows) due.push({ id, status, expiresAtMs: fromSqlTime(expires_at) });
  }
  return due;
}

export function ordersIn(
  tx: Transaction,
): Pick<OrderTransaction, "insertOrders" | "lockOrder" | "lockDue" | "setStatus"> {
  return {
    insertOrders: (orders) => insertOrders(tx, orders),
    lockOrder: async (orderId) => {
      if (!isUuid(orderId)) return undefined;
      const rows = await tx.query<OrderRow>("SELECT * FROM orders WHERE id = ? FOR UPDATE", [orderId]);
      return (await withLines(tx, rows))[0];
    },
    lockDue: (nowMs, max, orderIds) => lockDue(tx, nowMs, max, orderIds),
    setStatus: async (orderIds, from, to, nowMs) => {
      const { affectedRows } = await tx.execute(
        "UPDATE orders SET status = ?, updated_at = ?, version = version + 1 WHERE id IN (?) AND status = ?",
        [to, toSqlTime(nowMs), orderIds, from],
      );
      return affectedRows;
    },
  };
}

async function insertOrders(tx: Transaction, orders: readonly Order[]): Promise<void> {
  await tx.execute(
    `INSERT INTO orders
       (id, user_id, status, total_cents, currency, created_at, expires_at, updated_at, allotment_id)
     VALUES ?`,
    [
      orders.map(({ createdAtMs, expiresAtMs, ...order }) => {
        const createdAt = toSqlTime(createdAtMs);
        const { id, userId, status, totalCents, currency, allotmentId = null } = order;
        const times = [createdAt, toSqlTime(expiresAtMs), createdAt];
        return [id, userId, status, totalCents, currency, ...times, allotmentId];
      }),
    ],
  );
  await tx.execute("INSERT INTO order_lines (order_id, product_id, quantity, unit_price_cents) VALUES ?", [
    orders.flatMap((order) =>
      order.lines.map((line) => [order.id, line.productId, line.quantity, line.unitPriceCents]),
    ),
  ]);
}

async function lockDue(
  tx: Transaction,
  nowMs: number,
  max: number,
  orderIds: readonly string[],
): Promise<Order[]> {
  const rows = await tx.query<OrderRow>(
    `SELECT * FROM orders FORCE INDEX (PRIMARY) WHERE id IN (?) AND status IN (?) AND expires_at <= ? LIMIT ?
     FOR UPDATE SKIP LOCKED`,
    [orderIds, unpaidStatuses, toSqlTime(nowMs), max],
  );
  return withLines(tx, rows);
}

async function withLines(sql: Sql, rows: readonly OrderRow[]): Promise<Order[]> {
  if (rows.length === 0) return [];
  const lines = await sql.query<LineRow>(
    `SELECT order_id, product_id, quantity, unit_price_cents FROM order_lines
     WHERE order_id IN (?) ORDER BY order_id, product_id`,
    [rows.map((row) => row.id)],
  );
  const byOrder = Map.groupBy(lines, (line) => line.order_id);
  return rows.map((row) => toOrder(row, (byOrder.get(row.id) ?? []).map(toLine)));
}

interface OrderRow {
  readonly id: string;
  readonly user_id: number;
  readonly status: OrderStatus;
  readonly total_cents: number;
  readonly currency: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly allotment_id: number | null;
}

interface LineRow {
  readonly order_id: string;
  readonly product_id: number;
  readonly quantity: number;
  readonly unit_price_cents: number;
}

function toOrder(row: OrderRow, lines: OrderLine[]): Order {
  return {
    id: row.id,
    userId: row.user_id,
    status: row.status,
    totalCents: row.total_cents,
    currency: row.currency,
    createdAtMs: fromSqlTime(row.created_at),
    expiresAtMs: fromSqlTime(row.expires_at),
    lines,
    ...(row.allotment_id === null ? {} : { allotmentId: row.allotment_id }),
  };
}

function toLine(row: LineRow): OrderLine {
  return { productId: row.product_id, quantity: row.quantity, unitPriceCents: row.unit_price_cents };
}
