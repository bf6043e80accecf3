import type { Audit } from "../../../platform/audit.ts";
import { expiryLimits } from "../application/limits.ts";
import { expiryTopology, orderSubject } from "./expiry-lanes.ts";

/** From an order's time to the receipt of its message: more means that the worker stands still, or the broker lost it. */
const receivedMinutesMax = 15;
/** Published messages are pruned after seven days. */
const keptDays = 6;

const longAgo = `UTC_TIMESTAMP(6) - INTERVAL ${receivedMinutesMax} MINUTE`;
const isLane = `m.exchange = '${expiryTopology.waitExchange}'`;
/** Each direction so that the other side's index serves, for which the characters must be of the column's set. */
const subjectOf = (order: string) =>
  `CONVERT(CONCAT('${orderSubject("")}', ${order}) USING ascii) COLLATE ascii_bin`;
const orderOf = (subject: string) =>
  `CONVERT(SUBSTRING(${subject}, ${orderSubject("").length + 1}) USING ascii) COLLATE ascii_bin`;

/**
 * Orders against the outbox, and the outbox against what came back from the broker. A message that is parked is told of
 * by an audit of its own; one that was dropped, or sent again a moment ago, is not missed.
 */
export const messageAudits: readonly Audit[] = [
  {
    name: "messages: each order has its expiry message",
    sql: `SELECT o.id AS order_id, o.created_at FROM orders o
          LEFT JOIN outbox m ON m.subject = ${subjectOf("o.id")} AND ${isLane}
          WHERE o.created_at > UTC_TIMESTAMP(6) - INTERVAL ${keptDays} DAY AND m.id IS NULL
            AND o.expires_at <= o.created_at + INTERVAL ${expiryLimits.laneTtlSecondsMax} SECOND`,
  },
  {
    name: `messages: what was published is received ${receivedMinutesMax} min after the order's time`,
    sql: `SELECT m.id AS outbox_id, m.message_id, o.id AS order_id, o.status, m.published_at, o.expires_at
          FROM outbox m
          JOIN orders o ON o.id = ${orderOf("m.subject")}
          LEFT JOIN expiry_receipts r ON r.message_id = m.message_id
          WHERE ${isLane} AND r.message_id IS NULL
            AND GREATEST(m.published_at, o.expires_at) < ${longAgo}
            AND NOT EXISTS (
              SELECT 1 FROM parked_messages p WHERE p.message_id = m.message_id
                AND (p.settled_at IS NULL OR p.settlement = 'dropped' OR p.settled_at > ${longAgo}))`,
  },
  {
    name: "messages: none is parked (npx sluice parked list)",
    sql: `SELECT id AS parked_id, queue, message_id, reason, parked_at FROM parked_messages
          WHERE settled_at IS NULL`,
  },
  {
    name: "orphans: movements, messages and receipts belong to orders that are there",
    sql: `SELECT 'movement' AS orphan, m.id, m.order_id FROM stock_movements m
          LEFT JOIN orders o ON o.id = m.order_id WHERE m.order_id IS NOT NULL AND o.id IS NULL
          UNION ALL
          SELECT 'message', m.id, ${orderOf("m.subject")} FROM outbox m
          LEFT JOIN orders o ON o.id = ${orderOf("m.subject")} WHERE ${isLane} AND o.id IS NULL
          UNION ALL
          SELECT 'receipt', r.message_id, r.order_id FROM expiry_receipts r
          LEFT JOIN orders o ON o.id = r.order_id WHERE o.id IS NULL`,
  },
];
