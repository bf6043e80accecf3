import { type Database, isDuplicate, type Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { SaleBook, SaleTransaction } from "../application/ports.ts";
import type { Decided, TicketOutcome, TicketReason } from "../domain/ticket.ts";

const columns = `ticket, user_id, quantity, outcome, reason, order_id, pays_until, arrived_at, queue_ms, queue_number,
  decided_at`;

/** Tickets, once they are decided, and how many pieces their buyers have got. */
export function ticketsOf(
  database: Database,
): Pick<SaleBook, "buyers" | "decidedSince" | "ticket" | "counts" | "served" | "forgetEnded"> {
  return {
    buyers: async (id, afterUser, limit) => {
      const rows = await database.query<{ user_id: number; quantity: number }>(
        "SELECT user_id, quantity FROM sale_buyers WHERE sale_id = ? AND user_id > ? ORDER BY user_id LIMIT ?",
        [id, afterUser, limit],
      );
      return rows.map((row) => ({ userId: row.user_id, quantity: row.quantity }));
    },
    decidedSince: async (id, sinceMs, max) => {
      const rows = await database.query<TicketRow>(
        `SELECT ${columns} FROM sale_tickets WHERE sale_id = ? AND queue_ms >= ? ORDER BY queue_ms DESC LIMIT ?`,
        [id, sinceMs, max],
      );
      return rows.map(toDecided);
    },
    ticket: async (id, ticket) => {
      const [row] = await database.query<TicketRow>(
        `SELECT ${columns} FROM sale_tickets WHERE sale_id = ? AND ticket = ?`,
        [id, ticket],
      );
      return row === undefined ? undefined : toDecided(row);
    },
    counts: async (id) => {
      const rows = await database.query<{ outcome: string; tickets: number }>(
        "SELECT outcome, COUNT(*) AS tickets FROM sale_tickets WHERE sale_id = ? GROUP BY outcome",
        [id],
      );
      return Object.fromEntries(rows.map(({ outcome, tickets }) => [outcome, tickets]));
    },
    served: async (id, max) => {
      const rows = await database.query<{ user_id: number; arrived_at: string }>(
        `SELECT user_id, arrived_at FROM sale_tickets WHERE sale_id = ? AND arrived_at IS NOT NULL
         ORDER BY queue_ms, queue_number LIMIT ?`,
        [id, max],
      );
      return rows.map((row) => ({ userId: row.user_id, arrivedAtMs: fromSqlTime(row.arrived_at) }));
    },
    forgetEnded: async (beforeMs, max) => {
      const ended = "SELECT id FROM sales WHERE status = 'ENDED' AND updated_at < ?";
      let forgotten = 0;
      for (const table of ["sale_tickets", "sale_buyers", "sale_changes"]) {
        const { affectedRows } = await database.execute(
          `DELETE FROM ${table} WHERE sale_id IN (${ended}) LIMIT ?`,
          [toSqlTime(beforeMs), max],
        );
        forgotten = Math.max(forgotten, affectedRows);
      }
      return forgotten;
    },
  };
}

export function ticketsIn(
  tx: Transaction,
): Pick<SaleTransaction, "decided" | "lockBuyers" | "addToBuyers" | "keepDecided"> {
  const buyers = async (saleId: number, userIds: readonly number[], locking: string) => {
    if (userIds.length === 0) return new Map<number, number>();
    const rows = await tx.query<{ user_id: number; quantity: number }>(
      `SELECT user_id, quantity FROM sale_buyers WHERE sale_id = ? AND user_id IN (?) ORDER BY user_id ${locking}`,
      [saleId, userIds],
    );
    return new Map(rows.map((row) => [row.user_id, row.quantity]));
  };
  return {
    decided: async (saleId, tickets) => {
      const rows = await tx.query<TicketRow>(
        `SELECT ${columns} FROM sale_tickets WHERE sale_id = ? AND ticket IN (?)`,
        [saleId, tickets],
      );
      return rows.map(toDecided);
    },
    lockBuyers: (saleId, userIds) => buyers(saleId, userIds, "FOR UPDATE"),
    addToBuyers: async (saleId, added) => {
      if (added.size === 0) return new Map();
      const inOrder = [...added].sort(([a], [b]) => a - b);
      await tx.execute(
        `INSERT INTO sale_buyers (sale_id, user_id, quantity) VALUES ?
         ON DUPLICATE KEY UPDATE quantity = quantity + VALUES(quantity)`,
        [inOrder.map(([userId, quantity]) => [saleId, userId, quantity])],
      );
      return buyers(
        saleId,
        inOrder.map(([userId]) => userId),
        "",
      );
    },
    keepDecided: async (saleId, decided) => {
      if (decided.length === 0) return true;
      try {
        await tx.execute(`INSERT INTO sale_tickets (sale_id, ${columns}) VALUES ?`, [
          decided.map((one) => [saleId, ...rowOf(one)]),
        ]);
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
  };
}

function rowOf({ paysUntilMs, arrivedAtMs, decidedAtMs, ...decided }: Decided) {
  return [
    ...[decided.ticket, decided.userId, decided.quantity, decided.outcome, decided.reason],
    decided.orderId ?? null,
    paysUntilMs === undefined ? null : toSqlTime(paysUntilMs),
    arrivedAtMs === undefined ? null : toSqlTime(arrivedAtMs),
    ...[decided.queueMs, decided.queueNumber, toSqlTime(decidedAtMs)],
  ];
}

interface TicketRow {
  readonly ticket: string;
  readonly user_id: number;
  readonly quantity: number;
  readonly outcome: TicketOutcome;
  readonly reason: TicketReason;
  readonly order_id: string | null;
  readonly pays_until: string | null;
  readonly arrived_at: string | null;
  readonly queue_ms: number;
  readonly queue_number: number;
  readonly decided_at: string;
}

function toDecided(row: TicketRow): Decided {
  return {
    ticket: row.ticket,
    userId: row.user_id,
    quantity: row.quantity,
    outcome: row.outcome,
    reason: row.reason,
    orderId: row.order_id ?? undefined,
    paysUntilMs: row.pays_until === null ? undefined : fromSqlTime(row.pays_until),
    arrivedAtMs: row.arrived_at === null ? undefined : fromSqlTime(row.arrived_at),
    queueMs: row.queue_ms,
    queueNumber: row.queue_number,
    decidedAtMs: fromSqlTime(row.decided_at),
  };
}
