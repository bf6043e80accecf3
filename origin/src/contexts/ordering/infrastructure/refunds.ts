import { isUuid } from "../../../kernel/ids.ts";
import type { Database, Sql, Transaction } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import type { Refund, RefundStatus } from "../domain/refund.ts";
import { type CheckedRow, claimChecks, timesOf, toCheckTime } from "./checks.ts";

/** Money that goes back. */
export function refundsOf(
  database: Database,
): Pick<OrderBook, "findRefund" | "refundsOf" | "listRefunds" | "claimUndecidedRefunds"> {
  return {
    findRefund: async (refundId) => {
      if (!isUuid(refundId)) return undefined;
      return (await select(database, "id = ?", [refundId]))[0];
    },
    refundsOf: (orderId) => select(database, "order_id = ? ORDER BY id", [orderId]),
    listRefunds: (status, afterId, limit) =>
      select(database, "status = ? AND id > ? ORDER BY id LIMIT ?", [status, afterId ?? "", limit]),
    claimUndecidedRefunds: async (nowMs, backoffMs, max) => {
      const rows = await claimChecks<RefundRow>(database, "refunds", { nowMs, backoffMs, max });
      return rows.map(toRefund);
    },
  };
}

export function refundsIn(
  tx: Transaction,
): Pick<OrderTransaction, "lockRefundsOf" | "insertRefund" | "setRefund"> {
  return {
    lockRefundsOf: (orderId) => select(tx, "order_id = ? ORDER BY id FOR UPDATE", [orderId]),
    insertRefund: async (refund) => {
      await tx.execute(
        `INSERT INTO refunds
           (id, payment_id, order_id, amount_cents, currency, status, attempt, actor, reason, idempotency_key,
            asked_cents, failure, next_check_at, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          refund.id,
          refund.paymentId,
          refund.orderId,
          refund.amountCents,
          refund.currency,
          refund.status,
          refund.attempt,
          refund.actor,
          refund.reason,
          refund.idempotencyKey ?? null,
          refund.askedCents ?? null,
          refund.failure,
          toCheckTime(refund.nextCheckAtMs),
          toSqlTime(refund.createdAtMs),
          toSqlTime(refund.updatedAtMs),
        ],
      );
    },
    setRefund: async (refund, from) => {
      const { affectedRows } = await tx.execute(
        `UPDATE refunds
         SET status = ?, attempt = ?, provider_reference = ?, failure = ?, checks = 0, next_check_at = ?,
             updated_at = ?
         WHERE id = ? AND status = ?`,
        [
          refund.status,
          refund.attempt,
          refund.providerReference ?? null,
          refund.failure,
          toCheckTime(refund.nextCheckAtMs),
          toSqlTime(refund.updatedAtMs),
          refund.id,
          from,
        ],
      );
      return affectedRows === 1;
    },
  };
}

async function select(sql: Sql, condition: string, values: (string | number)[]): Promise<Refund[]> {
  return (await sql.query<RefundRow>(`SELECT * FROM refunds WHERE ${condition}`, values)).map(toRefund);
}

interface RefundRow extends CheckedRow {
  readonly payment_id: string;
  readonly order_id: string;
  readonly amount_cents: number;
  readonly currency: string;
  readonly status: RefundStatus;
  readonly attempt: number;
  readonly actor: string;
  readonly reason: string;
  readonly idempotency_key: string | null;
  readonly asked_cents: number | null;
  readonly provider_reference: string | null;
  readonly failure: string;
}

function toRefund(row: RefundRow): Refund {
  return {
    id: row.id,
    paymentId: row.payment_id,
    orderId: row.order_id,
    amountCents: row.amount_cents,
    currency: row.currency,
    status: row.status,
    attempt: row.attempt,
    actor: row.actor,
    reason: row.reason,
    idempotencyKey: row.idempotency_key ?? undefined,
    askedCents: row.asked_cents ?? undefined,
    providerReference: row.provider_reference ?? undefined,
    failure: row.failure,
    ...timesOf(row),
  };
}
