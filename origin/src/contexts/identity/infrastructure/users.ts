import { type Database, isDuplicate } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { Users } from "../application/ports.ts";
import { lockUser } from "./lock-user.ts";
import { endAllBut } from "./sessions.ts";

export function usersIn(database: Database): Users {
  return {
    insert: async (username, passwordHash, nowMs) => {
      try {
        const { insertId } = await database.execute(
          "INSERT INTO users (username, password_hash, created_at) VALUES (?, ?, ?)",
          [username, passwordHash, toSqlTime(nowMs)],
        );
        return { id: insertId, username };
      } catch (error) {
        if (isDuplicate(error)) return undefined;
        throw error;
      }
    },

    findByUsername: async (username) => {
      const [user] = await database.query<UserRow>(`${selectUser} WHERE username = ?`, [username]);
      return user && toUser(user);
    },

    findById: async (userId) => {
      const [user] = await database.query<UserRow>(`${selectUser} WHERE id = ?`, [userId]);
      return user && toUser(user);
    },

    setPasswordHash: async (userId, passwordHash) => {
      await database.execute("UPDATE users SET password_hash = ? WHERE id = ?", [passwordHash, userId]);
    },

    changePassword: ({ userId, sessionId, from, to, nowMs }) =>
      database.transaction(async (tx) => {
        const user = await lockUser(tx, userId);
        const live = await tx.query(
          "SELECT 1 FROM sessions WHERE id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?",
          [sessionId, userId, toSqlTime(nowMs)],
        );
        if (live.length === 0) return { outcome: "session-ended" };
        if (user?.passwordHash !== from) return { outcome: "other-password" };
        await tx.execute("UPDATE users SET password_hash = ? WHERE id = ?", [to, userId]);
        return { outcome: "changed", ended: await endAllBut(tx, userId, sessionId, nowMs) };
      }),
  };
}

const selectUser = "SELECT id, username, password_hash FROM users";

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly password_hash: string | null;
}

function toUser({ id, username, password_hash }: UserRow) {
  return { id, username, passwordHash: password_hash ?? undefined };
}
