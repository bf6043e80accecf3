import type { Connection, RowDataPacket } from "mysql2/promise";
import { isMariadb } from "./log-settings.ts";

/** Which database this is, and how a position in a log relates to what it has. */

export async function databaseId(connection: Connection): Promise<string> {
  const [rows] = await connection.query<RowDataPacket[]>("SELECT database_id AS id FROM relay_heartbeat");
  const id = rows[0]?.id;
  if (typeof id !== "string") throw new Error("relay_heartbeat has no row: is the schema migrated?");
  return id;
}

/**
 * Whether the server has every transaction up to `position`. One that was restored from a backup, or promoted
 * before it had received everything, has not: Redis then holds what no longer happened.
 */
export async function hasAllOf(connection: Connection, position: string): Promise<boolean> {
  if (!(await isMariadb(connection))) {
    const [rows] = await connection.query<RowDataPacket[]>(
      "SELECT GTID_SUBSET(?, @@GLOBAL.gtid_executed) AS has",
      [position],
    );
    return Number(rows[0]?.has) === 1;
  }
  const [rows] = await connection.query<RowDataPacket[]>("SELECT @@GLOBAL.gtid_binlog_pos AS position");
  const reached = sequences(String(rows[0]?.position));
  return [...sequences(position)].every(([domain, sequence]) => (reached.get(domain) ?? -1n) >= sequence);
}

/**
 * A GTID position such that every transaction up to it is visible to a SELECT that starts later. MySQL adds
 * a transaction to gtid_executed after it has committed. MariaDB moves gtid_binlog_pos when it writes the
 * log, before the rows are visible; its consistent snapshot is taken between commits and knows its place.
 */
export async function currentPosition(connection: Connection): Promise<string> {
  if (!(await isMariadb(connection))) {
    const [rows] = await connection.query<RowDataPacket[]>("SELECT @@GLOBAL.gtid_executed AS position");
    return String(rows[0]?.position).replace(/\s/g, "");
  }
  await connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  await connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
  const [status] = await connection.query<RowDataPacket[]>(
    "SHOW STATUS WHERE Variable_name IN ('binlog_snapshot_file', 'binlog_snapshot_position')",
  );
  const statusOf = (name: string) =>
    String(status.find((row) => String(row.Variable_name).toLowerCase() === name)?.Value);
  const [rows] = await connection.query<RowDataPacket[]>("SELECT BINLOG_GTID_POS(?, ?) AS position", [
    statusOf("binlog_snapshot_file"),
    Number(statusOf("binlog_snapshot_position")),
  ]);
  await connection.query("COMMIT");
  const position = rows[0]?.position;
  if (typeof position !== "string") throw new Error("the server does not say where its binlog ends");
  return position;
}

/** Bytes of the log behind a place in it; undefined when the file is gone. */
export function bytesBehind(
  files: readonly { readonly name: string; readonly bytes: number }[],
  at: { readonly file: string; readonly position: number },
): number | undefined {
  const index = files.findIndex(({ name }) => name === at.file);
  if (index < 0) return undefined;
  const total = files.slice(index).reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.max(0, total - at.position);
}

/** MariaDB: domain → sequence number, of `domain-server-sequence,…`. */
function sequences(position: string): Map<string, bigint> {
  const parts = position === "" ? [] : position.split(",");
  return new Map(
    parts.map((part) => {
      const [domain = "", , sequence = "0"] = part.trim().split("-");
      return [domain, BigInt(sequence)];
    }),
  );
}
