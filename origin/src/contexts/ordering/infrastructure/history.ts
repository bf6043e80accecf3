import assert from "node:assert/strict";
import type { Database, Sql, Transaction } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { HistoryEntry, OrderBook, OrderTransaction } from "../application/ports.ts";
import { unpaidChange } from "../domain/order-state.ts";

/**
 * The history of orders, and what it adds up to for each user: how many orders are unpaid, how many steps there were.
 * A user's row in `buyers` is locked by every step of their orders until it is committed. That makes the count of
 * unpaid orders exact under any concurrency, and numbers a user's steps in the order of their commits, without gaps:
 * whoever has read up to a number has missed nothing before it.
 */
export function historyIn(tx: Transaction): Pick<OrderTransaction, "appendHistory" | "lockUnpaid"> {
  return {
    lockUnpaid: async (userIds) => {
      if (userIds.length === 0) return new Map();
      // A row that is not there yet could not be locked.
      await tx.execute(
        `INSERT INTO buyers (user_id, unpaid, events, updated_at) VALUES ?
         ON DUPLICATE KEY UPDATE user_id = VALUES(user_id)`,
        [userIds.map((userId) => [userId, 0, 0, toSqlTime(0)])],
      );
      return unpaidOf(tx, userIds);
    },
    appendHistory: async (entries) => {
      // In the order of user ids, the order in which everybody locks buyers.
      const byUser = [...Map.groupBy(entries, (entry) => entry.userId)].sort(([a], [b]) => a - b);
      await tx.execute(
        `INSERT INTO buyers (user_id, unpaid, events, updated_at) VALUES ?
         ON DUPLICATE KEY UPDATE unpaid = unpaid + VALUES(unpaid), events = events + VALUES(events),
           updated_at = GREATEST(updated_at, VALUES(updated_at))`,
        [byUser.map(([userId, steps]) => [userId, unpaidBy(steps), steps.length, timeOf(steps)])],
      );
      const buyers = await findBuyers(
        tx,
        byUser.map(([userId]) => userId),
      );
      const events = new Map(buyers.map((buyer) => [buyer.user_id, buyer.events]));
      await tx.execute(
        `INSERT INTO order_history
           (order_id, user_id, event_number, from_status, to_status, actor, reason, created_at) VALUES ?`,
        [byUser.flatMap(([userId, steps]) => numbered(steps, (events.get(userId) ?? 0) - steps.length))],
      );
      const unpaid = new Map(buyers.map((buyer) => [buyer.user_id, buyer.unpaid]));
      for (const [userId, count] of unpaid) assert(count >= 0, `user ${userId} has ${count} unpaid orders`);
      return unpaid;
    },
  };
}

export function buyersOf(database: Database): Pick<OrderBook, "peekUnpaid"> {
  return { peekUnpaid: (userIds) => unpaidOf(database, userIds) };
}

async function unpaidOf(sql: Sql, userIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
  return new Map((await findBuyers(sql, userIds)).map((buyer) => [buyer.user_id, buyer.unpaid]));
}

interface BuyerRow {
  readonly user_id: number;
  readonly unpaid: number;
  readonly events: number;
}

function findBuyers(sql: Sql, userIds: readonly number[]): Promise<BuyerRow[]> {
  return sql.query("SELECT user_id, unpaid, events FROM buyers WHERE user_id IN (?)", [userIds]);
}

function numbered(steps: readonly HistoryEntry[], before: number) {
  return steps.map(({ orderId, userId, from, to, change }, index) => [
    orderId,
    userId,
    before + index + 1,
    from ?? null,
    to,
    change.actor,
    change.reason,
    toSqlTime(change.nowMs),
  ]);
}

function unpaidBy(steps: readonly HistoryEntry[]): number {
  return steps.reduce((sum, { from, to }) => sum + unpaidChange(from, to), 0);
}

function timeOf(steps: readonly HistoryEntry[]): string {
  return toSqlTime(Math.max(...steps.map(({ change }) => change.nowMs)));
}
