import type { NewId } from "../../../kernel/ids.ts";
import type { Database, Sql, SqlValue, Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import { appendToOutbox } from "../../../platform/outbox/append.ts";
import type { Client } from "../application/client.ts";
import type {
  NewSession,
  Rotation,
  RotationRequest,
  Sessions,
  StartedSession,
} from "../application/ports.ts";
import { isLive, type Session, sessionLimits, type User } from "../domain/session.ts";
import { reuseAlert } from "./alerts.ts";
import { lockUser } from "./lock-user.ts";
import { insertTrailEvent } from "./trail.ts";

/** More sessions than this are not ended in one transaction. */
const endBatchMax = 1_000;

export function sessionsIn(database: Database, newId: NewId): Sessions {
  return {
    start: (session) =>
      database.transaction(async (tx) => {
        await lockUser(tx, session.userId);
        return insertSession(tx, session);
      }),

    // A login that waited for its turn to be hashed may come after the password was changed.
    startByPassword: (session, { hash, renewed }) =>
      database.transaction(async (tx) => {
        const { userId } = session;
        if ((await lockUser(tx, userId))?.passwordHash !== hash) return undefined;
        if (renewed !== undefined) {
          await tx.execute("UPDATE users SET password_hash = ? WHERE id = ?", [renewed, userId]);
        }
        return insertSession(tx, session);
      }),

    rotate: (request) => database.transaction((tx) => rotate(tx, request, newId)),

    list: async (userId, nowMs, idleMs, max) => {
      const rows = await database.query<SessionInUseRow>(
        `SELECT s.id, s.created_at, s.expires_at, t.created_at AS last_used_at, t.user_agent, t.address, t.country
         FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id AND t.used_at IS NULL
         WHERE s.user_id = ? AND s.revoked_at IS NULL AND s.expires_at > ? AND t.created_at > ?
         ORDER BY t.created_at DESC, s.id LIMIT ?`,
        [userId, toSqlTime(nowMs), toSqlTime(nowMs - idleMs), max],
      );
      return rows.map((row) => ({
        id: row.id,
        createdAtMs: fromSqlTime(row.created_at),
        lastUsedAtMs: fromSqlTime(row.last_used_at),
        expiresAtMs: fromSqlTime(row.expires_at),
        userAgent: row.user_agent,
        address: row.address,
        country: row.country,
      }));
    },

    endByToken: (tokenHash, nowMs) =>
      endWhere(
        database,
        "id = (SELECT session_id FROM refresh_tokens WHERE token_hash = ?)",
        [tokenHash],
        nowMs,
      ),

    endById: (sessionId, nowMs) => endWhere(database, "id = ?", [sessionId], nowMs),

    endOwn: (userId, sessionId, nowMs) =>
      endWhere(database, "id = ? AND user_id = ?", [sessionId, userId], nowMs),

    endAllOf: async (userId, nowMs) => {
      const ended: Session[] = [];
      for (;;) {
        const batch = await endWhere(database, "user_id = ?", [userId], nowMs);
        ended.push(...batch);
        if (batch.length < endBatchMax) return ended;
      }
    },

    endOthersOf: (userId, sessionId, nowMs) =>
      database.transaction((tx) => endAllBut(tx, userId, sessionId, nowMs)),

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
 * - used longer ago: the session ends here, and who wants to know is told, in the same transaction
 */
async function rotate(tx: Transaction, request: RotationRequest, newId: NewId): Promise<Rotation> {
  const { tokenHash, successorHashes, client, nowMs, leewayMs, idleMs } = request;
  const now = toSqlTime(nowMs);
  const { affectedRows } = await tx.execute(
    `UPDATE refresh_tokens t JOIN sessions s ON s.id = t.session_id
     SET t.used_at = ?, t.address = '', t.country = 'ZZ', t.user_agent = ''
     WHERE t.token_hash = ? AND t.used_at IS NULL AND t.created_at > ?
       AND s.revoked_at IS NULL AND s.expires_at > ?`,
    [now, tokenHash, toSqlTime(nowMs - idleMs), now],
  );
  const [row] = await tx.query<SessionRow & { username: string; used_at: string | null }>(
    `SELECT s.*, u.username, t.used_at FROM refresh_tokens t
     JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id WHERE t.token_hash = ?`,
    [tokenHash],
  );
  if (row === undefined) return { outcome: "unknown" };
  const session = toSession(row);
  const user: User = { id: row.user_id, username: row.username };
  if (affectedRows === 1) {
    await insertToken(tx, successorHashes[0], session.id, client, nowMs);
    return { outcome: "rotated", session, user, successor: 0 };
  }
  if (!isLive(session, nowMs)) return { outcome: "ended", session };
  if (row.used_at === null) return { outcome: "idle", session };
  if (nowMs - fromSqlTime(row.used_at) <= leewayMs) {
    const successor = await whichIsThere(tx, successorHashes);
    // Traded under a key that is gone since: nobody can say the successor again, and it is no crime.
    return successor === -1 ? { outcome: "unknown" } : { outcome: "rotated", session, user, successor };
  }
  const [ended] = await endLocked(tx, "id = ?", [session.id], nowMs);
  if (ended === undefined) return { outcome: "ended", session };
  await appendToOutbox(tx, [reuseAlert(ended, client, newId(), nowMs)]);
  const event = { kind: "refresh_reused", userId: user.id, sessionId: session.id, client } as const;
  await insertTrailEvent(tx, event, nowMs);
  return { outcome: "reused", ended };
}

async function whichIsThere(tx: Transaction, hashes: readonly Buffer[]): Promise<number> {
  const rows = await tx.query<{ token_hash: Buffer }>(
    "SELECT token_hash FROM refresh_tokens WHERE token_hash IN (?)",
    [hashes],
  );
  return hashes.findIndex((hash) => rows.some((row) => row.token_hash.equals(hash)));
}

/** Whoever calls this has locked the user's row, so nobody else starts one of that user. */
async function insertSession(
  tx: Transaction,
  { id, userId, expiresAtMs, tokenHash, client, nowMs }: NewSession,
): Promise<StartedSession> {
  const ended = await endOldest(tx, userId, nowMs);
  await tx.execute("INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)", [
    id,
    userId,
    toSqlTime(nowMs),
    toSqlTime(expiresAtMs),
  ]);
  await insertToken(tx, tokenHash, id, client, nowMs);
  return { session: { id, userId, expiresAtMs, version: 1, revoked: false }, ended };
}

/** Leaves room for one more. Ids sort by when they were made, and the index of a user's sessions ends with them. */
async function endOldest(tx: Transaction, userId: number, nowMs: number): Promise<Session[]> {
  const tooMany = await tx.query<{ id: string }>(
    "SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NULL ORDER BY id DESC LIMIT ? OFFSET ?",
    [userId, endBatchMax, sessionLimits.perUserMax - 1],
  );
  if (tooMany.length === 0) return [];
  return endLocked(tx, "id IN (?)", [tooMany.map(({ id }) => id)], nowMs);
}

async function insertToken(
  tx: Transaction,
  hash: Buffer,
  sessionId: string,
  { address, country, userAgent }: Client,
  nowMs: number,
): Promise<void> {
  await tx.execute(
    `INSERT INTO refresh_tokens (token_hash, session_id, created_at, address, country, user_agent)
     VALUES (?, ?, ?, ?, ?, ?)`,
    [hash, sessionId, toSqlTime(nowMs), address, country, userAgent],
  );
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

interface SessionInUseRow {
  readonly id: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly last_used_at: string;
  readonly user_agent: string;
  readonly address: string;
  readonly country: string;
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
