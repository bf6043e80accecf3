import type { Database } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import { accessEntryProjection } from "../../../platform/redis/project.ts";
import type { ProjectedTable } from "../../../platform/redis/projected-table.ts";
import type { AccessLists, ListEntry, ListName } from "../application/ports.ts";

const columns = `id, list, cidr, reason, source, created_at AS createdAt, expires_at AS expiresAt`;
const isLive = "removed_at IS NULL AND (expires_at IS NULL OR expires_at > ?)";

export function listsIn(database: Database): AccessLists {
  return {
    put: (entry) =>
      database.transaction(async (tx) => {
        const now = toSqlTime(entry.createdAtMs);
        const [held] = await tx.query<{ id: number; live: number }>(
          `SELECT id, ${isLive} AS live FROM access_entries WHERE list = ? AND cidr = ? FOR UPDATE`,
          [now, entry.list, entry.cidr],
        );
        const expiresAt = entry.expiresAtMs === undefined ? null : toSqlTime(entry.expiresAtMs);
        if (held === undefined) {
          const { insertId } = await tx.execute(
            "INSERT INTO access_entries (list, cidr, reason, source, created_at, expires_at) VALUES (?)",
            [[entry.list, entry.cidr, entry.reason, entry.source, now, expiresAt]],
          );
          return { entry: { ...entry, id: insertId }, added: true };
        }
        await tx.execute(
          `UPDATE access_entries SET reason = ?, source = ?, created_at = ?, expires_at = ?, removed_at = NULL,
             version = version + 1 WHERE id = ?`,
          [entry.reason, entry.source, now, expiresAt, held.id],
        );
        return { entry: { ...entry, id: held.id }, added: held.live === 0 };
      }),

    remove: async (list, cidr, nowMs) => {
      const now = toSqlTime(nowMs);
      const { affectedRows } = await database.execute(
        `UPDATE access_entries SET removed_at = ?, version = version + 1
         WHERE list = ? AND cidr = ? AND ${isLive}`,
        [now, list, cidr, now],
      );
      return affectedRows === 1;
    },

    putAll: async (entries) => {
      await database.transaction((tx) =>
        tx.execute(
          `INSERT INTO access_entries (list, cidr, reason, source, created_at, expires_at) VALUES ?
           ON DUPLICATE KEY UPDATE reason = VALUES(reason), source = VALUES(source),
             created_at = VALUES(created_at), expires_at = VALUES(expires_at),
             removed_at = NULL, version = version + 1`,
          [
            entries.map(({ list, cidr, reason, source, createdAtMs, expiresAtMs }) => [
              list,
              cidr,
              reason,
              source,
              toSqlTime(createdAtMs),
              expiresAtMs === undefined ? null : toSqlTime(expiresAtMs),
            ]),
          ],
        ),
      );
    },

    removeAll: (list, cidrs, nowMs) => {
      const now = toSqlTime(nowMs);
      return database.transaction(async (tx) => {
        const { affectedRows } = await tx.execute(
          `UPDATE access_entries SET removed_at = ?, version = version + 1
           WHERE list = ? AND cidr IN (?) AND ${isLive}`,
          [now, list, cidrs, now],
        );
        return affectedRows;
      });
    },

    page: async (list, afterId, limit, nowMs) => {
      const rows = await database.query<EntryRow>(
        `SELECT ${columns} FROM access_entries WHERE list = ? AND id > ? AND ${isLive} ORDER BY id LIMIT ?`,
        [list, afterId, toSqlTime(nowMs), limit],
      );
      return rows.map(toEntry);
    },

    amongBlocks: async (cidrs, nowMs) => {
      const rows = await database.query<EntryRow>(
        `SELECT ${columns} FROM access_entries WHERE list IN ('allow', 'deny') AND cidr IN (?) AND ${isLive}`,
        [cidrs, toSqlTime(nowMs)],
      );
      return rows.map(toEntry);
    },
  };
}

/** What the relay carries of a list entry: its block and end, or that it is gone. */
export const accessEntriesTable: ProjectedTable = {
  table: "access_entries",
  primaryKey: "id",
  projections: (row) => [
    accessEntryProjection({
      id: Number(row.id),
      list: row.list as ListName,
      cidr: String(row.cidr),
      expiresAtMs: row.expires_at === null ? 0 : fromSqlTime(String(row.expires_at)),
      removed: row.removed_at !== null,
      version: Number(row.version),
    }),
  ],
};

interface EntryRow {
  readonly id: number;
  readonly list: ListName;
  readonly cidr: string;
  readonly reason: string;
  readonly source: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

function toEntry({ createdAt, expiresAt, ...row }: EntryRow): ListEntry {
  return {
    ...row,
    createdAtMs: fromSqlTime(createdAt),
    expiresAtMs: expiresAt === null ? undefined : fromSqlTime(expiresAt),
  };
}
