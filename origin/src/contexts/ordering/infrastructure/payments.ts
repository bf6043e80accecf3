import { isUuid } from "../../../kernel/ids.ts";
import type { Database, Sql, Transaction } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import { appendToOutbox } from "../../../platform/outbox/append.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import type { Payment } from "../domain/payment.ts";
import type { PaymentStatus } from "../domain/payment-state.ts";
import { type CheckedRow, claimChecks, timesOf, toCheckTime } from "./checks.ts";
import { alertMessage } from "./payment-alerts.ts";

/** Attempts to pay. */
export function paymentsOf(
  database: Database,
): Pick<OrderBook, "findPayment" | "askAbout" | "claimUndecided"> {
  return {
    findPayment: async (paymentId) =>
      isUuid(paymentId) ? findPayment(database, "id = ?", [paymentId]) : undefined,
    askAbout: async (paymentId, atMs) => {
      await database.execute("UPDATE payments SET next_check_at = ? WHERE id = ? AND next_check_at IS NULL", [
        toSqlTime(atMs),
        paymentId,
      ]);
    },
    claimUndecided: async (nowMs, backoffMs, max) => {
      const rows = await claimChecks<PaymentRow>(database, "payments", { nowMs, backoffMs, max });
      return rows.map(toPayment);
    },
  };
}

export function paymentsIn(
  tx: Transaction,
): Pick<
  OrderTransaction,
  "lockPayment" | "lockPaymentOf" | "insertPayment" | "setPayment" | "keepReference" | "raiseAlert"
> {
  return {
    lockPayment: (paymentId) => findPayment(tx, "id = ? FOR UPDATE", [paymentId]),
    lockPaymentOf: (orderId, status) =>
      findPayment(tx, "order_id = ? AND status = ? LIMIT 1 FOR UPDATE", [orderId, status]),
    keepReference: async (paymentId, reference) => {
      const { affectedRows } = await tx.execute(
        `UPDATE payments SET provider_reference = ?
         WHERE id = ? AND status = 'STARTED' AND (provider_reference IS NULL OR provider_reference = ?)`,
        [reference, paymentId, reference],
      );
      return affectedRows === 1;
    },
    raiseAlert: (alert) => appendToOutbox(tx, [alertMessage(alert)]),
    insertPayment: async (payment) => {
      await tx.execute(
        `INSERT INTO payments
           (id, order_id, provider, method, status, amount_cents, currency, reason, next_check_at,
            created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          payment.id,
          payment.orderId,
          payment.provider,
          payment.method,
          payment.status,
          payment.amountCents,
          payment.currency,
          payment.reason,
          toCheckTime(payment.nextCheckAtMs),
          toSqlTime(payment.createdAtMs),
          toSqlTime(payment.updatedAtMs),
        ],
      );
    },
    setPayment: async (payment, from) => {
      const { affectedRows } = await tx.execute(
        `UPDATE payments
         SET status = ?, provider_reference = ?, reason = ?, checks = 0, next_check_at = ?, updated_at = ?,
             taken_cents = ?, taken_currency = ?
         WHERE id = ? AND status = ?`,
        [
          payment.status,
          payment.providerReference ?? null,
          payment.reason,
          toCheckTime(payment.nextCheckAtMs),
          toSqlTime(payment.updatedAtMs),
          payment.otherTaken?.amountCents ?? null,
          payment.otherTaken?.currency ?? null,
          payment.id,
          from,
        ],
      );
      return affectedRows === 1;
    },
  };
}

async function findPayment(sql: Sql, condition: string, values: string[]): Promise<Payment | undefined> {
  const [row] = await sql.query<PaymentRow>(`SELECT * FROM payments WHERE ${condition}`, values);
  return row === undefined ? undefined : toPayment(row);
}

interface PaymentRow extends CheckedRow {
  readonly order_id: string;
  readonly provider: string;
  readonly method: string;
  readonly status: PaymentStatus;
  readonly amount_cents: number;
  readonly currency: string;
  readonly taken_cents: number | null;
  readonly taken_currency: string | null;
  readonly provider_reference: string | null;
  readonly reason: string;
}

function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    orderId: row.order_id,
    provider: row.provider,
    method: row.method,
    status: row.status,
    amountCents: row.amount_cents,
    currency: row.currency,
    otherTaken:
      row.taken_cents === null || row.taken_currency === null
        ? undefined
        : { amountCents: row.taken_cents, currency: row.taken_currency },
    providerReference: row.provider_reference ?? undefined,
    reason: row.reason,
    ...timesOf(row),
  };
}
