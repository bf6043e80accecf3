import { accessEntriesKey } from "@sluice/contract/keys.ts";
import type { Database, Sql, Transaction } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import { accessEntryProjection } from "../../../platform/redis/project.ts";
import { projectedTable } from "../../../platform/redis/projected-table.ts";
import type { AccessLists, EntryToPut, ListEntry, ListName } from "../application/ports.ts";
import { forgetBans, pastBansOf, rememberBan } from "./past-bans.ts";

const columns = `id, list, cidr, reason, source, created_at AS createdAt, expires_at AS expiresAt`;
const isLive = "removed_at IS NULL AND (expires_at IS NULL OR expires_at > ?)";

export function listsIn(database: Database): AccessLists {
  return {
    put: (list, entry) => database.transaction((tx) => putOne(tx, list, entry)),

    ban: (entry, lengthOf) =>
      database.transaction(async (tx) => {
        const past = await pastBansOf(tx, entry.cidr);
        const lastMs = lengthOf(past);
        const endsAtMs = entry.createdAtMs + lastMs;
        const { held, ...put } = await putOne(tx, "deny", { ...entry, expiresAtMs: endsAtMs });
        // Whose ban still goes on has not been banned once more by being banned for longer.
        const bans = (past?.bans ?? 0) + (held && past !== undefined ? 0 : 1);
        await rememberBan(tx, entry.cidr, { bans, lastMs, endsAtMs });
        return { ...put, bans };
      }),

    forgetBans: (endedBeforeMs, max) => database.transaction((tx) => forgetBans(tx, endedBeforeMs, max)),

    putAll: (list, entries) =>
      database.transaction(async (tx) => {
        const { held, completed } = await completeAll(tx, list, entries);
        const news = completed.filter((entry) => !isHeld(held.get(entry.cidr), entry));
        if (news.length > 0) await tx.execute(upsert(), [news.map(toRow)]);
        return news.length;
      }),

    remove: async (list, cidr, nowMs) => (await removeAll(database, list, [cidr], nowMs)) === 1,

    removeAll: (list, cidrs, nowMs) => database.transaction((tx) => removeAll(tx, list, cidrs, nowMs)),

    forgetEnded: (beforeMs, max, dropFirst) =>
      database.transaction((tx) => forgetEnded(tx, toSqlTime(beforeMs), max, dropFirst)),

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

/** One statement decides, so that of two who put a block at once neither fails. */
async function putOne(tx: Transaction, list: ListName, given: EntryToPut) {
  const { held, completed } = await completeAll(tx, list, [given]);
  const [entry] = completed as [Omit<ListEntry, "id">];
  const { insertId, affectedRows } = await tx.execute(upsert(", id = LAST_INSERT_ID(id)"), [[toRow(entry)]]);
  const row = held.get(entry.cidr);
  // The server counts a row that was there as two.
  return {
    entry: { ...entry, id: insertId },
    added: affectedRows === 1 || row?.live === 0,
    held: row?.live === 1,
  };
}

/** Fills in what was not given: from the live entry of the block, which is locked, or as it is at first. */
async function completeAll(tx: Transaction, list: ListName, given: readonly EntryToPut[]) {
  const nowMs = Math.max(...given.map(({ createdAtMs }) => createdAtMs));
  const rows = await tx.query<EntryRow & { live: number }>(
    `SELECT ${columns}, ${isLive} AS live FROM access_entries WHERE list = ? AND cidr IN (?) FOR UPDATE`,
    [toSqlTime(nowMs), list, given.map(({ cidr }) => cidr)],
  );
  const held = new Map(rows.map((row) => [row.cidr, row]));
  const completed = given.map((entry): Omit<ListEntry, "id"> => {
    const row = held.get(entry.cidr);
    const { reason, source, expiresAtMs } =
      row?.live === 1 ? toEntry(row) : { reason: "", source: "operator", expiresAtMs: undefined };
    return {
      list,
      cidr: entry.cidr,
      createdAtMs: entry.createdAtMs,
      reason: entry.reason ?? reason,
      source: entry.source ?? source,
      expiresAtMs: entry.expiresAtMs === undefined ? expiresAtMs : (entry.expiresAtMs ?? undefined),
    };
  });
  return { held, completed };
}

/** Whether the row is live and says all that. When it was put there is no difference that anybody could see. */
function isHeld(row: (EntryRow & { live: number }) | undefined, entry: Omit<ListEntry, "id">): boolean {
  if (row?.live !== 1) return false;
  const { reason, source, expiresAtMs } = toEntry(row);
  return reason === entry.reason && source === entry.source && expiresAtMs === entry.expiresAtMs;
}

function upsert(more = ""): string {
  return `INSERT INTO access_entries (list, cidr, reason, source, created_at, expires_at) VALUES ?
    ON DUPLICATE KEY UPDATE reason = VALUES(reason), source = VALUES(source),
      created_at = VALUES(created_at), expires_at = VALUES(expires_at),
      removed_at = NULL, version = version + 1${more}`;
}

function toRow({ list, cidr, reason, source, createdAtMs, expiresAtMs }: Omit<ListEntry, "id">) {
  const expiresAt = expiresAtMs === undefined ? null : toSqlTime(expiresAtMs);
  return [list, cidr, reason, source, toSqlTime(createdAtMs), expiresAt];
}

async function removeAll(sql: Sql, list: ListName, cidrs: readonly string[], nowMs: number): Promise<number> {
  const now = toSqlTime(nowMs);
  const { affectedRows } = await sql.execute(
    `UPDATE access_entries SET removed_at = ?, version = version + 1
     WHERE list = ? AND cidr IN (?) AND ${isLive}`,
    [now, list, cidrs, now],
  );
  return affectedRows;
}

async function forgetEnded(
  tx: Transaction,
  before: string,
  max: number,
  dropFirst: (ids: readonly number[]) => Promise<void>,
): Promise<number> {
  const ended: { id: number }[] = [];
  for (const condition of ["removed_at < ?", "removed_at IS NULL AND expires_at < ?"]) {
    const rows = await tx.query<{ id: number }>(
      `SELECT id FROM access_entries WHERE ${condition} LIMIT ? FOR UPDATE`,
      [before, max - ended.length],
    );
    ended.push(...rows);
  }
  if (ended.length === 0) return 0;
  const ids = ended.map(({ id }) => id);
  await dropFirst(ids);
  await tx.execute("DELETE FROM access_entries WHERE id IN (?)", [ids]);
  return ids.length;
}

/** What the relay carries of a list entry: its block and end, or that it is gone. */
export const accessEntriesTable = projectedTable({
  table: "access_entries",
  primaryKey: "id",
  columns: ["id", "version", "list", "cidr", "expires_at", "removed_at"],
  revision: 1,
  keys: accessEntriesKey(""),
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
});

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
