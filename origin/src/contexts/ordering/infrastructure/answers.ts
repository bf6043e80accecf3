import { Refusal } from "../../../kernel/errors.ts";
import {
  codeOf,
  isDuplicate,
  type Sql,
  type SqlValue,
  type Transaction,
} from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import {
  type Claim,
  claimName,
  type KeptAnswers,
  type OrderBook,
  type OrderTransaction,
} from "../application/ports.ts";

/** Idempotency keys and what was answered to them. */
export function answersOf(database: Sql): Pick<OrderBook, "findAnswers" | "pruneAnswers"> {
  return {
    findAnswers: async (claims, notBeforeMs) => {
      if (claims.length === 0) return new Map();
      const { condition, values } = anyOf(claims);
      const rows = await database.query<AnswerRow>(
        `SELECT * FROM order_idempotency WHERE (${condition}) AND created_at > ?`,
        [...values, toSqlTime(notBeforeMs)],
      );
      return toAnswers(rows);
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
): Pick<OrderTransaction, "lockAnswers" | "keepAnswers" | "dropAnswers"> {
  return {
    lockAnswers: async (claims) => {
      if (claims.length === 0) return new Map();
      const { condition, values } = anyOf(claims);
      try {
        const rows = await tx.query<AnswerRow>(
          `SELECT * FROM order_idempotency WHERE ${condition} FOR UPDATE NOWAIT`,
          values,
        );
        return toAnswers(rows);
      } catch (error) {
        if (isLocked(error)) return "in-flight";
        throw error;
      }
    },
    keepAnswers: async (claims) => {
      if (claims.length === 0) return true;
      try {
        await tx.execute(
          `INSERT INTO order_idempotency
             (user_id, idempotency_key, fingerprint, order_id, status, body, created_at)
           VALUES ?`,
          [
            claims.map(({ userId, key, answer: { fingerprint, orderId, status, body, createdAtMs } }) => [
              userId,
              key,
              fingerprint,
              orderId,
              status,
              body,
              toSqlTime(createdAtMs),
            ]),
          ],
        );
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    dropAnswers: async (claims) => {
      if (claims.length === 0) return;
      const { condition, values } = anyOf(claims);
      await tx.execute(`DELETE FROM order_idempotency WHERE ${condition}`, values);
    },
  };
}

/** Alternatives and no list of pairs: for those MariaDB reads the whole table. */
function anyOf(claims: readonly Claim[]): { condition: string; values: SqlValue[] } {
  return {
    condition: claims.map(() => "(user_id = ? AND idempotency_key = ?)").join(" OR "),
    values: claims.flatMap(({ userId, key }) => [userId, key]),
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
  readonly user_id: number;
  readonly idempotency_key: string;
  readonly fingerprint: string;
  readonly order_id: string;
  readonly status: number;
  readonly body: string;
  readonly created_at: string;
}

function toAnswers(rows: readonly AnswerRow[]): KeptAnswers {
  return new Map(
    rows.map((row) => {
      const { fingerprint, order_id: orderId, status, body } = row;
      const name = claimName({ userId: row.user_id, key: row.idempotency_key });
      return [name, { fingerprint, orderId, status, body, createdAtMs: fromSqlTime(row.created_at) }];
    }),
  );
}
