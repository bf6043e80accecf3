import { type Database, isDuplicate } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { Users } from "../application/ports.ts";
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

    changePassword: (userId, passwordHash, keptSessionId, nowMs) =>
      database.transaction(async (tx) => {
        await tx.execute("UPDATE users SET password_hash = ? WHERE id = ?", [passwordHash, userId]);
        return endAllBut(tx, userId, keptSessionId, nowMs);
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
