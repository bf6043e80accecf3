import type { Audit } from "../audit.ts";

/** The relay publishes within milliseconds; RabbitMQ may be away for a while. */
const unpublishedSecondsMax = 60;

export const outboxAudits: readonly Audit[] = [
  {
    name: `outbox: nothing waits for more than ${unpublishedSecondsMax} s to be published`,
    sql: `SELECT id, exchange, routing_key, message_id, created_at FROM outbox
          WHERE published_at IS NULL AND created_at < UTC_TIMESTAMP(6) - INTERVAL ${unpublishedSecondsMax} SECOND`,
  },
];
