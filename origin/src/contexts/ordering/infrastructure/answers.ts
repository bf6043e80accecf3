import { Refusal } from "../../../kernel/errors.ts";
import { codeOf, isDuplicate, type Sql, type Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { KeptAnswer, OrderBook, OrderTransaction } from "../application/ports.ts";

/** Idempotency keys and what was answered to them. */
export function answersOf(database: Sql): Pick<OrderBook, "findAnswer" | "pruneAnswers"> {
  return {
    findAnswer: async (userId, key, notBeforeMs) => {
      const [row] = await database.query<AnswerRow>(
        `SELECT * FROM order_idempotency WHERE user_id = ? AND idempotency_key = ? AND created_at > ?`,
        [userId, key, toSqlTime(notBeforeMs)],
      );
      return row === undefined ? undefined : toAnswer(row);
    },
    pruneAnswers: async (beforeMs, max) => {
      const { affectedRows } = await database.execute(
        "DELETE FROM order_idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?",
        [toSqlTime(beforeMs), max],
      );
      return affectedRows;
    },
  };
}

export function answersIn(
  tx: Transaction,
): Pick<OrderTransaction, "lockAnswer" | "keepAnswer" | "dropAnswer"> {
  return {
    lockAnswer: async (userId, key) => {
      try {
        const [row] = await tx.query<AnswerRow>(
          "SELECT * FROM order_idempotency WHERE user_id = ? AND idempotency_key = ? FOR UPDATE NOWAIT",
          [userId, key],
        );
        return row === undefined ? undefined : toAnswer(row);
      } catch (error) {
        if (isLocked(error)) return "in-flight";
        throw error;
      }
    },
    keepAnswer: async (userId, key, answer) => {
      try {
        await tx.execute(
          `INSERT INTO order_idempotency
             (user_id, idempotency_key, fingerprint, order_id, status, body, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          [
            userId,
            key,
            answer.fingerprint,
            answer.orderId,
            answer.status,
            answer.body,
            toSqlTime(answer.createdAtMs),
          ],
        );
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    dropAnswer: async (userId, key) => {
      await tx.execute("DELETE FROM order_idempotency WHERE user_id = ? AND idempotency_key = ?", [
        userId,
        key,
      ]);
    },
  };
}

/**
 * MySQL has a code of its own for NOWAIT; MariaDB says that the wait, of no time, has run out, which the
 * platform takes for an outage.
 */
function isLocked(error: unknown): boolean {
  const code = codeOf(error instanceof Refusal ? error.cause : error);
  return code === "ER_LOCK_NOWAIT" || code === "ER_LOCK_WAIT_TIMEOUT";
}

interface AnswerRow {
  readonly fingerprint: string;
  readonly order_id: string;
  readonly status: number;
  readonly body: string;
  readonly created_at: string;
}

function toAnswer(row: AnswerRow): KeptAnswer {
  const { fingerprint, order_id: orderId, status, body } = row;
  return { fingerprint, orderId, status, body, createdAtMs: fromSqlTime(row.created_at) };
}
