import type { Audit } from "../../../platform/audit.ts";

/** Each compares what is written in the same transactions. */
export const salesAudits: readonly Audit[] = [
  {
    name: "sales: nobody has got more pieces than one may have",
    sql: `SELECT b.sale_id, b.user_id, b.quantity, MAX(c.per_user_max) AS per_user_max FROM sale_buyers b
          JOIN (
            SELECT sale_id, CAST(JSON_EXTRACT(document, '$.perUserMax') AS UNSIGNED) AS per_user_max
            FROM sale_changes
          ) c ON c.sale_id = b.sale_id
          GROUP BY b.sale_id, b.user_id, b.quantity HAVING b.quantity > MAX(c.per_user_max)`,
  },
  {
    name: "sales: what buyers have got is what their tickets say",
    sql: `SELECT t.sale_id, t.user_id, SUM(t.quantity) AS confirmed, b.quantity AS got FROM sale_tickets t
          LEFT JOIN sale_buyers b ON b.sale_id = t.sale_id AND b.user_id = t.user_id
          WHERE t.outcome = 'CONFIRMED' GROUP BY t.sale_id, t.user_id, b.quantity
          HAVING got IS NULL OR confirmed <> got
          UNION ALL
          SELECT b.sale_id, b.user_id, 0, b.quantity FROM sale_buyers b
          LEFT JOIN sale_tickets t
            ON t.sale_id = b.sale_id AND t.user_id = b.user_id AND t.outcome = 'CONFIRMED'
          WHERE t.ticket IS NULL AND b.quantity <> 0`,
  },
  {
    name: "sales: each confirmed ticket has an order of its buyer from the sale, and each such order a ticket",
    sql: `SELECT t.sale_id, t.ticket, t.order_id FROM sale_tickets t
          LEFT JOIN orders o ON o.id = t.order_id AND o.user_id = t.user_id AND o.allotment_id = t.sale_id
          WHERE t.outcome = 'CONFIRMED' AND o.id IS NULL
          UNION ALL
          SELECT o.allotment_id, '', o.id FROM orders o LEFT JOIN sale_tickets t ON t.order_id = o.id
          JOIN sales s ON s.id = o.allotment_id AND s.status <> 'ENDED'
          WHERE t.ticket IS NULL`,
  },
  {
    name: "sales: pieces are set aside for those under way, as many as they say",
    sql: `SELECT s.id AS sale_id, s.status, s.total, a.total AS set_aside FROM sales s
          LEFT JOIN allotments a ON a.id = s.id
          WHERE s.status IN ('SCHEDULED', 'OPEN', 'PAUSED', 'SOLD_OUT')
            AND (a.id IS NULL OR a.closed_at IS NOT NULL OR a.total <> s.total OR a.product_id <> s.product_id)`,
  },
  {
    name: "sales: what was left over has gone back a minute after the end",
    sql: `SELECT s.id AS sale_id, s.updated_at, a.available FROM sales s JOIN allotments a ON a.id = s.id
          WHERE s.status = 'ENDED' AND a.closed_at IS NULL
            AND s.updated_at < UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE`,
  },
];
