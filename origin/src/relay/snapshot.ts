import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";
import { advance, buildingPlace, followingPlace, type Place } from "./checkpoint.ts";
import { connectExact, relayMysqlLimits } from "./connection.ts";
import { isMariadb } from "./log-settings.ts";
import type { ProjectRows } from "./project-rows.ts";

/**
 * Builds the projections from the tables, without locks and while writes go on. The log's position is noted
 * first and rows are read after, so a row's state is either in a page or in the log behind that position,
 * or in both; its version sorts that out. Rows go out page by page, so memory holds one page.
 */
export interface SnapshotOptions {
  readonly url: string;
  readonly redis: RedisStore;
  readonly tables: readonly ProjectedTable[];
  readonly projectRows: ProjectRows;
  readonly epoch: string;
  readonly clock: Clock;
  /** Where Redis is now. */
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

const pageRows = 1_000;
const progressEveryRows = 50_000;

/** Resolves to the place from which the log is to be followed, already set in Redis with `ready`. */
export async function takeSnapshot(options: SnapshotOptions): Promise<Place> {
  const { url, redis, tables, projectRows, epoch, clock, signal, logger } = options;
  let place = await advance(redis, options.place, buildingPlace(epoch, 0));
  const connection = await connectExact(url);
  try {
    const position = await currentPosition(connection);
    logger.info({ epoch, position }, "snapshot started");
    let rows = 0;
    let step = 0;
    for (const table of tables) {
      for await (const page of pagesOf(connection, table)) {
        signal.throwIfAborted();
        await projectRows(
          page.map((row) => ({ table: table.table, row })),
          clock(),
        );
        // Each page names the step before it: a Redis that is wiped half-way is noticed at the next page.
        place = await advance(redis, place, buildingPlace(epoch, ++step));
        const before = rows;
        rows += page.length;
        if (Math.floor(before / progressEveryRows) < Math.floor(rows / progressEveryRows)) {
          logger.info({ table: table.table, rows }, "snapshot goes on");
        }
      }
    }
    place = await advance(redis, place, followingPlace(epoch, position));
    logger.info({ epoch, position, rows }, "snapshot complete");
    return place;
  } finally {
    connection.destroy();
  }
}

async function* pagesOf(connection: Connection, { table, primaryKey }: ProjectedTable) {
  let after: string | number | undefined;
  for (;;) {
    const condition = after === undefined ? "" : "WHERE ?? > ? ";
    const values = after === undefined ? [table, primaryKey] : [table, primaryKey, after, primaryKey];
    const [page] = await connection.query<RowDataPacket[]>({
      sql: `SELECT * FROM ?? ${condition}ORDER BY ?? LIMIT ${pageRows}`,
      values,
      timeout: relayMysqlLimits.queryTimeoutMs,
    });
    if (page.length > 0) yield page as TableRow[];
    if (page.length < pageRows) return;
    after = page.at(-1)?.[primaryKey];
  }
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
