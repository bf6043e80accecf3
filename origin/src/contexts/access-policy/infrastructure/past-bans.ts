import type { Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { PastBans } from "../domain/ban-escalation.ts";

/** Locked, so that of two who ban a block at once the second sees the first. */
export async function pastBansOf(tx: Transaction, cidr: string): Promise<PastBans | undefined> {
  const [row] = await tx.query<{ bans: number; lastMs: number; endsAt: string }>(
    "SELECT bans, last_ms AS lastMs, ends_at AS endsAt FROM past_bans WHERE cidr = ? FOR UPDATE",
    [cidr],
  );
  return row === undefined
    ? undefined
    : { bans: row.bans, lastMs: row.lastMs, endsAtMs: fromSqlTime(row.endsAt) };
}

export async function rememberBan(
  tx: Transaction,
  cidr: string,
  { bans, lastMs, endsAtMs }: PastBans,
): Promise<void> {
  await tx.execute(
    `INSERT INTO past_bans (cidr, bans, last_ms, ends_at) VALUES (?)
     ON DUPLICATE KEY UPDATE bans = VALUES(bans), last_ms = VALUES(last_ms), ends_at = VALUES(ends_at)`,
    [[cidr, bans, lastMs, toSqlTime(endsAtMs)]],
  );
}

/** Returns how many were forgotten, at most `max`. */
export async function forgetBans(tx: Transaction, endedBeforeMs: number, max: number): Promise<number> {
  const { affectedRows } = await tx.execute("DELETE FROM past_bans WHERE ends_at < ? LIMIT ?", [
    toSqlTime(endedBeforeMs),
    max,
  ]);
  return affectedRows;
}
