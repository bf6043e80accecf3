import type { Database } from "../../../platform/mysql/database.ts";
import { fromSqlTime } from "../../../platform/mysql/time.ts";
import type { EventLog } from "../application/tell-events.ts";
import type { OrderStatus } from "../domain/order-state.ts";

/** What buyers are told, read from the history of their orders. */
export function eventLogIn(database: Database): EventLog {
  return {
    read: async (userId, after, max) => {
      const rows = await database.query<EventRow>(
        `SELECT order_id, event_number, from_status, to_status, reason, created_at FROM order_history
         WHERE user_id = ? AND event_number > ? ORDER BY event_number LIMIT ?`,
        [userId, after, max],
      );
      return rows.map((row) => ({
        number: row.event_number,
        orderId: row.order_id,
        from: row.from_status ?? undefined,
        status: row.to_status,
        reason: row.reason,
        atMs: fromSqlTime(row.created_at),
      }));
    },
    lastNumbers: async (userIds) => {
      const rows = await database.query<{ user_id: number; events: number }>(
        "SELECT user_id, events FROM buyers WHERE user_id IN (?)",
        [userIds],
      );
      return new Map(rows.map((row) => [row.user_id, row.events]));
    },
  };
}

interface EventRow {
  readonly order_id: string;
  readonly event_number: number;
  readonly from_status: OrderStatus | null;
  readonly to_status: OrderStatus;
  readonly reason: string;
  readonly created_at: string;
}
