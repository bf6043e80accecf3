import type { Database, Sql, SqlValue, Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { Rotation, Sessions } from "../application/ports.ts";
import { isLive, type Session } from "../domain/session.ts";

/** More sessions than this are not ended in one transaction. */
const endBatchMax = 1_000;

export function sessionsIn(database: Database): Sessions {
  return {
    start: (session, tokenHash, nowMs) =>
      database.transaction(async (tx) => {
        await tx.execute("INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)", [
          session.id,
          session.userId,
          toSqlTime(nowMs),
          toSqlTime(session.expiresAtMs),
        ]);
        await insertToken(tx, tokenHash, session.id, nowMs);
        return { ...session, version: 1, revoked: false };
      }),

    rotate: (tokenHash, successorHash, nowMs, leewayMs) =>
      database.transaction((tx) => rotate(tx, tokenHash, successorHash, nowMs, leewayMs)),

    endByToken: (tokenHash, nowMs) =>
      endWhere(
        database,
        "id = (SELECT session_id FROM refresh_tokens WHERE token_hash = ?)",
        [tokenHash],
        nowMs,
      ),

    endById: (sessionId, nowMs) => endWhere(database, "id = ?", [sessionId], nowMs),

    endAllOf: async (userId, nowMs) => {
      const ended: Session[] = [];
      for (;;) {
        const batch = await endWhere(database, "user_id = ?", [userId], nowMs);
        ended.push(...batch);
        if (batch.length < endBatchMax) return ended;
      }
    },

    // Its refresh tokens go with it (ON DELETE CASCADE); in Redis it ended by its own expiry.
    forget: async (overBeforeMs, max) => {
      const { affectedRows } = await database.execute(
        "DELETE FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?",
        [toSqlTime(overBeforeMs), max],
      );
      return affectedRows;
    },
  };
}

/**
 * The conditional update decides: of any number of requests with one token exactly one sets `used_at`, and
 * the others wait for its commit on the row's lock. Then:
 *
 * - used a moment ago: the same successor again, it is in the table already
 * - used longer ago: the session ends here, in the same transaction
 */
async function rotate(
  tx: Transaction,
  tokenHash: Buffer,
  successorHash: Buffer,
  nowMs: number,
  leewayMs: number,
): Promise<Rotation> {
  const now = toSqlTime(nowMs);
  const { affectedRows } = await tx.execute(
    `UPDATE refresh_tokens t JOIN sessions s ON s.id = t.session_id SET t.used_at = ?
     WHERE t.token_hash = ? AND t.used_at IS NULL AND s.revoked_at IS NULL AND s.expires_at > ?`,
    [now, tokenHash, now],
  );
  const [row] = await tx.query<SessionRow & { username: string; used_at: string | null }>(
    `SELECT s.*, u.username, t.used_at FROM refresh_tokens t
     JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id WHERE t.token_hash = ?`,
    [tokenHash],
  );
  if (row === undefined) return { outcome: "unknown" };
  const session = toSession(row);
  const user = { id: row.user_id, username: row.username };
  if (affectedRows === 1) {
    await insertToken(tx, successorHash, session.id, nowMs);
    return { outcome: "rotated", session, user };
  }
  if (!isLive(session, nowMs) || row.used_at === null) return { outcome: "ended" };
  if (nowMs - fromSqlTime(row.used_at) <= leewayMs) return { outcome: "rotated", session, user };
  const [ended] = await endLocked(tx, "id = ?", [session.id], nowMs);
  return ended === undefined ? { outcome: "ended" } : { outcome: "reused", ended };
}

async function insertToken(tx: Transaction, hash: Buffer, sessionId: string, nowMs: number): Promise<void> {
  await tx.execute("INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES (?, ?, ?)", [
    hash,
    sessionId,
    toSqlTime(nowMs),
  ]);
}

function endWhere(
  database: Database,
  condition: string,
  values: readonly SqlValue[],
  nowMs: number,
): Promise<Session[]> {
  return database.transaction((tx) => endLocked(tx, condition, values, nowMs));
}

/** Within the transaction that has another reason for it. */
export async function endAllBut(
  tx: Transaction,
  userId: number,
  keptSessionId: string,
  nowMs: number,
): Promise<Session[]> {
  const ended: Session[] = [];
  for (;;) {
    const batch = await endLocked(tx, "user_id = ? AND id <> ?", [userId, keptSessionId], nowMs);
    ended.push(...batch);
    if (batch.length < endBatchMax) return ended;
  }
}

/** Locks the live sessions first, so that what is returned is exactly what this call ended. */
async function endLocked(
  sql: Sql,
  condition: string,
  values: readonly SqlValue[],
  nowMs: number,
): Promise<Session[]> {
  const rows = await sql.query<SessionRow>(
    `SELECT * FROM sessions WHERE ${condition} AND revoked_at IS NULL ORDER BY id LIMIT ${endBatchMax} FOR UPDATE`,
    values,
  );
  if (rows.length === 0) return [];
  await sql.execute("UPDATE sessions SET revoked_at = ?, version = version + 1 WHERE id IN (?)", [
    toSqlTime(nowMs),
    rows.map((row) => row.id),
  ]);
  return rows.map((row) => ({ ...toSession(row), version: row.version + 1, revoked: true }));
}

interface SessionRow {
  readonly id: string;
  readonly user_id: number;
  readonly version: number;
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    userId: row.user_id,
    version: row.version,
    expiresAtMs: fromSqlTime(row.expires_at),
    revoked: row.revoked_at !== null,
  };
}
