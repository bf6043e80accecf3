import type { Audit } from "../../../platform/audit.ts";
import { soldStatuses, unpaidStatuses } from "../domain/order-state.ts";
import { type Stock, type StockMovementKind, stockMovements } from "../domain/stock.ts";
import { messageAudits } from "./message-audits.ts";

/** An order may be so late; more means that neither the messages nor the sweeper work. */
const lateSecondsMax = 15;

/** The provider is asked every five minutes at least; so long without success, somebody has to look. */
const owedHoursMax = 1;

const unpaid = quoted(unpaidStatuses);
const holdingSold = quoted(soldStatuses);

/** Each compares two things that are written in the same transactions, so they agree in every moment. */
export const orderingAudits: readonly Audit[] = [
  {
    name: "stock: available + reserved + sold = total, none below zero",
    sql: `SELECT product_id, total, available, reserved, sold FROM stock
          WHERE available + reserved + sold <> total OR LEAST(total, available, reserved, sold) < 0`,
  },
  {
    name: "stock: the counts are the sums of the ledger",
    sql: `SELECT s.product_id, s.total, s.available, s.reserved, s.sold,
                 l.total AS ledger_total, l.available AS ledger_available,
                 l.reserved AS ledger_reserved, l.sold AS ledger_sold
          FROM stock s LEFT JOIN (
            SELECT product_id, ${ledgerSum("total")}, ${ledgerSum("available")},
                   ${ledgerSum("reserved")}, ${ledgerSum("sold")}
            FROM stock_movements GROUP BY product_id
          ) l ON l.product_id = s.product_id
          WHERE s.total <> COALESCE(l.total, 0) OR s.available <> COALESCE(l.available, 0)
             OR s.reserved <> COALESCE(l.reserved, 0) OR s.sold <> COALESCE(l.sold, 0)`,
  },
  {
    name: "stock: reserved is what unpaid orders hold, and what is set aside",
    sql: heldByOrders("reserved", unpaid, "SELECT product_id, available AS quantity FROM allotments"),
  },
  {
    name: "stock: sold is what paid orders hold",
    sql: heldByOrders("sold", holdingSold),
  },
  {
    name: "orders: each has lines, and they add up to its total",
    sql: `SELECT o.id AS order_id, o.total_cents, SUM(l.quantity * l.unit_price_cents) AS lines_cents
          FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
          GROUP BY o.id, o.total_cents
          HAVING lines_cents IS NULL OR lines_cents <> o.total_cents`,
  },
  {
    name: "orders: the last history row names the state",
    sql: `SELECT o.id AS order_id, o.status, h.to_status
          FROM orders o
          LEFT JOIN order_history h
            ON h.id = (SELECT MAX(last.id) FROM order_history last WHERE last.order_id = o.id)
          WHERE h.to_status IS NULL OR h.to_status <> o.status`,
  },
  {
    name: `orders: none is unpaid ${lateSecondsMax} s after its time`,
    sql: `SELECT id AS order_id, status, expires_at FROM orders
          WHERE status IN (${unpaid}) AND expires_at < UTC_TIMESTAMP(6) - INTERVAL ${lateSecondsMax} SECOND`,
  },
  {
    name: "orders: each line was reserved once, and settled as its state says",
    sql: `SELECT o.id AS order_id, l.product_id, o.status, m.kinds
          FROM orders o
          JOIN order_lines l ON l.order_id = o.id
          LEFT JOIN (
            SELECT order_id, product_id, SUM(quantity * (kind = 'RESERVE')) AS reserved,
                   GROUP_CONCAT(kind ORDER BY id) AS kinds
            FROM stock_movements WHERE order_id IS NOT NULL GROUP BY order_id, product_id
          ) m ON m.order_id = l.order_id AND m.product_id = l.product_id
          WHERE m.reserved IS NULL OR m.reserved <> l.quantity OR m.kinds <> CASE
            WHEN o.status IN (${unpaid}) THEN 'RESERVE'
            WHEN o.status IN (${holdingSold}) THEN 'RESERVE,SELL'
            WHEN o.status = 'REFUNDED' THEN 'RESERVE,SELL,RETURN'
            ELSE 'RESERVE,RELEASE' END`,
  },
  {
    name: "allotments: what was set aside is there, was ordered, or went back",
    sql: `SELECT a.id AS allotment_id, a.total, a.available, a.returned, COALESCE(taken.quantity, 0) AS taken
          FROM allotments a LEFT JOIN (
            SELECT o.allotment_id, SUM(l.quantity) AS quantity FROM orders o JOIN order_lines l ON l.order_id = o.id
            WHERE o.allotment_id IS NOT NULL AND o.status NOT IN ('CANCELLED', 'EXPIRED') GROUP BY o.allotment_id
          ) taken ON taken.allotment_id = a.id
          WHERE a.available + a.returned + COALESCE(taken.quantity, 0) <> a.total
             OR (a.closed_at IS NOT NULL AND a.available <> 0)`,
  },
  {
    name: "buyers: the count of unpaid orders is theirs",
    sql: `SELECT b.user_id, b.unpaid, COUNT(o.id) AS unpaid_orders
          FROM buyers b LEFT JOIN orders o ON o.user_id = b.user_id AND o.status IN (${unpaid})
          GROUP BY b.user_id, b.unpaid HAVING b.unpaid <> unpaid_orders`,
  },
  {
    name: "buyers: every user with an order is one, and their steps are numbered without gaps",
    sql: `SELECT h.user_id, b.events, COUNT(*) AS steps, MIN(h.event_number) AS first, MAX(h.event_number) AS last
          FROM order_history h LEFT JOIN buyers b ON b.user_id = h.user_id
          GROUP BY h.user_id, b.events
          HAVING b.events IS NULL OR steps <> b.events OR first <> 1 OR last <> b.events`,
  },
  {
    name: "payments: a paid order has one payment that succeeded, no other order has",
    sql: `SELECT o.id AS order_id, o.status, COUNT(p.id) AS succeeded
          FROM orders o LEFT JOIN payments p ON p.order_id = o.id AND p.status = 'SUCCEEDED'
          GROUP BY o.id, o.status HAVING succeeded <> (o.status = 'PAID')`,
  },
  {
    name: "payments: the amount is the order's",
    sql: `SELECT p.id AS payment_id, p.order_id, p.amount_cents, o.total_cents
          FROM payments p JOIN orders o ON o.id = p.order_id
          WHERE p.amount_cents <> o.total_cents OR p.currency <> o.currency`,
  },
  {
    name: "refunds: together they are never more than their payment, and all of one that goes back",
    sql: `SELECT p.id AS payment_id, p.order_id, p.status, COALESCE(p.taken_cents, p.amount_cents) AS taken,
                 SUM(r.amount_cents) AS refund_cents, SUM(r.currency <> COALESCE(p.taken_currency, p.currency)) AS foreign_ones
          FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
          GROUP BY p.id, p.order_id, p.status, taken
          HAVING COALESCE(refund_cents, 0) > taken OR foreign_ones > 0
             OR (p.status IN ('REFUND_DUE', 'REFUNDED') AND COALESCE(refund_cents, -1) <> taken)
             OR (p.status IN ('STARTED', 'DECLINED') AND refund_cents IS NOT NULL)`,
  },
  {
    name: "payments: what was taken otherwise than it was asked for goes back",
    sql: `SELECT id AS payment_id, order_id, status, amount_cents, taken_cents, taken_currency FROM payments
          WHERE taken_cents IS NOT NULL AND status NOT IN ('REFUND_DUE', 'REFUNDED')`,
  },
  {
    name: "refunds: a payment is REFUNDED when all of them are done",
    sql: `SELECT p.id AS payment_id, p.status, r.id AS refund_id, r.status AS refund_status
          FROM payments p JOIN refunds r ON r.payment_id = p.id
          WHERE p.status = 'REFUNDED' AND r.status <> 'DONE'`,
  },
  {
    name: "idempotency: each key has its order, and no order has two keys",
    sql: `SELECT k.order_id, COUNT(*) AS \`keys\`, MIN(k.user_id) AS user_id
          FROM order_idempotency k LEFT JOIN orders o ON o.id = k.order_id AND o.user_id = k.user_id
          GROUP BY k.order_id HAVING COUNT(*) > 1 OR COUNT(o.id) = 0`,
  },
  {
    name: `payments: no refund is owed for more than ${owedHoursMax} h`,
    sql: `SELECT id AS refund_id, payment_id, order_id, status, attempt, failure, updated_at AS owed_since, checks
          FROM refunds
          WHERE status <> 'DONE' AND updated_at < UTC_TIMESTAMP(6) - INTERVAL ${owedHoursMax} HOUR`,
  },
  {
    name: `payments: none is undecided for more than ${owedHoursMax} h`,
    sql: `SELECT id AS payment_id, order_id, provider, method, created_at, checks FROM payments
          WHERE status = 'STARTED' AND created_at < UTC_TIMESTAMP(6) - INTERVAL ${owedHoursMax} HOUR`,
  },
  ...messageAudits,
];

/** What the ledger says that a count should be, from the table of movements. */
function ledgerSum(count: keyof Stock): string {
  const kinds = Object.keys(stockMovements) as StockMovementKind[];
  const signs = kinds.map((kind) => `WHEN '${kind}' THEN ${stockMovements[kind][count]}`);
  return `SUM(quantity * CASE kind ${signs.join(" ")} END) AS ${count}`;
}

function heldByOrders(count: "reserved" | "sold", statuses: string, otherwise?: string): string {
  const more = otherwise === undefined ? "" : `UNION ALL ${otherwise}`;
  return `SELECT s.product_id, s.${count}, COALESCE(held.quantity, 0) AS held_by_orders
          FROM stock s LEFT JOIN (
            SELECT product_id, SUM(quantity) AS quantity FROM (
              SELECT l.product_id, l.quantity FROM orders o JOIN order_lines l ON l.order_id = o.id
              WHERE o.status IN (${statuses}) ${more}
            ) each_of_them GROUP BY product_id
          ) held ON held.product_id = s.product_id
          WHERE s.${count} <> COALESCE(held.quantity, 0)`;
}

function quoted(statuses: readonly string[]): string {
  return statuses.map((status) => `'${status}'`).join(", ");
}
