import type { Clock } from "../kernel/clock.ts";
import type { Database } from "../platform/mysql/database.ts";
import { toSqlTime } from "../platform/mysql/time.ts";

/** Published rows stay for a day, so that somebody can look what was sent; then they go. */
export const pruneLimits = {
  keepMs: 24 * 3_600 * 1_000,
  everyMs: 60_000,
  /** Rows in one statement: it holds their locks, and the log gets it as one transaction. */
  rowsMax: 1_000,
  /** Statements in one run: at 60,000 messages a minute it keeps up. */
  statementsMax: 100,
} as const;

export async function pruneOutbox(database: Database, clock: Clock): Promise<void> {
  const before = toSqlTime(clock() - pruneLimits.keepMs);
  for (let statement = 0; statement < pruneLimits.statementsMax; statement++) {
    const { affectedRows } = await database.execute(
      `DELETE FROM outbox WHERE published_at < ? ORDER BY published_at LIMIT ${pruneLimits.rowsMax}`,
      [before],
    );
    if (affectedRows < pruneLimits.rowsMax) return;
  }
}
