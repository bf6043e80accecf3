import { type Database, isDuplicate } from "../../../platform/mysql/database.ts";
import { toSqlTime } from "../../../platform/mysql/time.ts";
import type { Users } from "../application/ports.ts";

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
      const [user] = await database.query<{ id: number; username: string; passwordHash: string }>(
        "SELECT id, username, password_hash AS passwordHash FROM users WHERE username = ?",
        [username],
      );
      return user;
    },

    setPasswordHash: async (userId, passwordHash) => {
      await database.execute("UPDATE users SET password_hash = ? WHERE id = ?", [passwordHash, userId]);
    },
  };
}
