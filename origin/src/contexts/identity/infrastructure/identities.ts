import { type Database, isDuplicate, type Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import type { Identities } from "../application/provider-ports.ts";
import { type ExternalIdentity, identityLimits } from "../domain/external-identity.ts";
import { lockUser } from "./lock-user.ts";

/** Whatever decides by what else a user has locks the user's row first. */
export function identitiesIn(database: Database): Identities {
  return {
    use: async ({ issuer, subject, label }, nowMs) => {
      const [user] = await database.query<{ id: number; username: string; identity: number }>(
        `SELECT u.id, u.username, i.id AS identity FROM user_identities i JOIN users u ON u.id = i.user_id
         WHERE i.issuer = ? AND i.subject = ?`,
        [issuer, subject],
      );
      if (user === undefined) return undefined;
      await database.execute("UPDATE user_identities SET last_used_at = ?, label = ? WHERE id = ?", [
        toSqlTime(nowMs),
        label,
        user.identity,
      ]);
      return { id: user.id, username: user.username };
    },

    createUser: async (identity, username, nowMs) => {
      try {
        return await database.transaction((tx) => createUser(tx, identity, username, nowMs));
      } catch (error) {
        // The user is rolled back with it.
        if (isDuplicate(error)) return { outcome: "identity-taken" };
        throw error;
      }
    },

    link: (identity, { userId, sessionId }, nowMs) =>
      database.transaction(async (tx) => {
        await lockUser(tx, userId);
        const live = await tx.query(
          "SELECT 1 FROM sessions WHERE id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?",
          [sessionId, userId, toSqlTime(nowMs)],
        );
        if (live.length === 0) return "session-ended";
        const [owner] = await tx.query<{ user_id: number }>(
          "SELECT user_id FROM user_identities WHERE issuer = ? AND subject = ?",
          [identity.issuer, identity.subject],
        );
        if (owner !== undefined) return owner.user_id === userId ? "linked" : "taken";
        const own = await tx.query("SELECT 1 FROM user_identities WHERE user_id = ?", [userId]);
        if (own.length >= identityLimits.identitiesMax) return "too-many";
        try {
          await insert(tx, identity, userId, nowMs);
          return "linked";
        } catch (error) {
          if (isDuplicate(error)) return "taken";
          throw error;
        }
      }),

    unlink: (userId, identityId) =>
      database.transaction(async (tx) => {
        const user = await lockUser(tx, userId);
        const own = await tx.query<{ id: number; provider: string }>(
          "SELECT id, provider FROM user_identities WHERE user_id = ?",
          [userId],
        );
        const identity = own.find(({ id }) => id === identityId);
        if (identity === undefined) return { outcome: "unknown" };
        if (own.length === 1 && user?.passwordHash === undefined) return { outcome: "last" };
        await tx.execute("DELETE FROM user_identities WHERE id = ?", [identityId]);
        return { outcome: "unlinked", provider: identity.provider };
      }),

    listOf: async (userId) => {
      const rows = await database.query<IdentityRow>(
        `SELECT id, provider, label, linked_at, last_used_at FROM user_identities WHERE user_id = ? ORDER BY id`,
        [userId],
      );
      return rows.map(({ id, provider, label, linked_at, last_used_at }) => ({
        id,
        provider,
        label,
        linkedAtMs: fromSqlTime(linked_at),
        lastUsedAtMs: fromSqlTime(last_used_at),
      }));
    },
  };
}

interface IdentityRow {
  readonly id: number;
  readonly provider: string;
  readonly label: string;
  readonly linked_at: string;
  readonly last_used_at: string;
}

async function createUser(tx: Transaction, identity: ExternalIdentity, username: string, nowMs: number) {
  const userId = await insertUser(tx, username, nowMs);
  if (userId === undefined) return { outcome: "name-taken" } as const;
  await insert(tx, identity, userId, nowMs);
  return { outcome: "created", user: { id: userId, username } } as const;
}

async function insertUser(tx: Transaction, username: string, nowMs: number): Promise<number | undefined> {
  try {
    const { insertId } = await tx.execute("INSERT INTO users (username, created_at) VALUES (?, ?)", [
      username,
      toSqlTime(nowMs),
    ]);
    return insertId;
  } catch (error) {
    if (isDuplicate(error)) return undefined;
    throw error;
  }
}

async function insert(tx: Transaction, identity: ExternalIdentity, userId: number, nowMs: number) {
  const now = toSqlTime(nowMs);
  const { issuer, subject, provider, label } = identity;
  await tx.execute(
    `INSERT INTO user_identities (user_id, issuer, subject, provider, label, linked_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [userId, issuer, subject, provider, label, now, now],
  );
}
