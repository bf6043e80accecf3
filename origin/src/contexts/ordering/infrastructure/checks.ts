import type { Database } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";

/** What payments and refunds have in common: until they are decided, their provider is asked again and again. */
export interface CheckedRow {
  readonly id: string;
  readonly checks: number;
  readonly next_check_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** Takes those whose time to be asked about has come, past what others hold, and sets the time for the next question. */
export function claimChecks<Row extends CheckedRow>(
  database: Database,
  table: "payments" | "refunds",
  { nowMs, backoffMs, max }: { nowMs: number; backoffMs: (checks: number) => number; max: number },
): Promise<Row[]> {
  return database.transaction(async (tx) => {
    const rows = await tx.query<Row>(
      `SELECT * FROM ${table} WHERE next_check_at <= ? ORDER BY next_check_at LIMIT ? FOR UPDATE SKIP LOCKED`,
      [toSqlTime(nowMs), max],
    );
    for (const { id, checks } of rows) {
      await tx.execute(`UPDATE ${table} SET checks = checks + 1, next_check_at = ? WHERE id = ?`, [
        toSqlTime(nowMs + backoffMs(checks)),
        id,
      ]);
    }
    return rows;
  });
}

export function timesOf({ next_check_at, created_at, updated_at }: CheckedRow) {
  return {
    nextCheckAtMs: next_check_at === null ? undefined : fromSqlTime(next_check_at),
    createdAtMs: fromSqlTime(created_at),
    updatedAtMs: fromSqlTime(updated_at),
  };
}

export function toCheckTime(ms: number | undefined): string | null {
  return ms === undefined ? null : toSqlTime(ms);
}
