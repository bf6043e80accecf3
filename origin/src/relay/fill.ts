import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { projectAll } from "../platform/redis/project.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";
import { connectExact, relayMysqlLimits } from "./connection.ts";
import { type Place, readCheckpoint } from "./place.ts";
import type { Render } from "./render-rows.ts";

/**
 * Reads tables into their projections, without locks, while writes go on and while the log is followed from a
 * position that was noted before the first page. So a row's state is in a page, or in the log behind that
 * position, or in both; its version sorts that out. Rows go out page by page, so memory holds one page.
 *
 * How far each table was read is in Redis after each page, together with the revision of its declaration:
 *
 *     {"products":{"revision":1,"after":4000},"stock":{"revision":2}}     stock is complete
 *
 * A relay that dies goes on with the next page. A table that is missing there, or was filled by another revision,
 * is filled anew; the others are not.
 */
export interface FillOptions {
  readonly url: string;
  readonly redis: RedisStore;
  readonly tables: readonly ProjectedTable[];
  readonly render: Render;
  readonly place: Place;
  readonly token: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

interface Fill {
  readonly revision: number;
  /** The last primary key that was read, null before the first; undefined when there are no more. */
  readonly after?: string | number | null;
}

export type Fills = Readonly<Record<string, Fill>>;

const pageRows = 1_000;
const progressEveryRows = 50_000;

export function readFills(text: string): Fills {
  return text === "" ? {} : (JSON.parse(text) as Fills);
}

export function isFilled(table: ProjectedTable, fills: Fills): boolean {
  const fill = fills[table.table];
  return fill !== undefined && fill.revision === table.revision && fill.after === undefined;
}

/** Fills what is not complete, then says `ready` if nothing did yet. Rejects when `signal` aborts. */
export async function fillTables(options: FillOptions): Promise<void> {
  const { url, tables, place, logger } = options;
  const missing = tables.filter((table) => !isFilled(table, readFills(place.held.fills)));
  if (missing.length > 0) {
    const connection = await connectExact(url);
    try {
      for (const table of missing) await fillTable(options, table, connection);
    } finally {
      connection.destroy();
    }
  }
  if (place.held.ready !== "") return;
  const epoch = readCheckpoint(place.held.checkpoint)?.epoch ?? "";
  await place.move(() => ({ ready: epoch }));
  logger.info({ epoch }, "projections complete");
}

async function fillTable(
  { redis, render, place, token, clock, signal, logger }: FillOptions,
  table: ProjectedTable,
  connection: Connection,
): Promise<void> {
  const begun = readFills(place.held.fills)[table.table];
  const { revision } = table;
  let after = begun?.revision === revision ? (begun.after ?? null) : null;
  logger.info({ table: table.table, revision, after }, "fill started");
  let rows = 0;
  for (;;) {
    const page = await readPage(connection, table, after);
    signal.throwIfAborted();
    const projections = render(
      page.map((row) => ({ table: table.table, row })),
      clock(),
    );
    // Before `ready` no edge relies on anything; with it, all load afresh.
    await projectAll(redis, projections, { token, mode: "refill", announced: place.held.ready !== "" });
    const complete = page.length < pageRows;
    after = (page.at(-1)?.[table.primaryKey] as string | number | undefined) ?? after;
    const fill: Fill = complete ? { revision } : { revision, after };
    await place.move(({ fills }) => ({
      fills: JSON.stringify({ ...readFills(fills), [table.table]: fill }),
    }));
    const before = rows;
    rows += page.length;
    if (complete) break;
    if (Math.floor(before / progressEveryRows) < Math.floor(rows / progressEveryRows)) {
      logger.info({ table: table.table, rows, after }, "fill goes on");
    }
  }
  logger.info({ table: table.table, revision, rows }, "fill complete");
}

async function readPage(
  connection: Connection,
  { table, primaryKey, columns }: ProjectedTable,
  after: string | number | null,
): Promise<TableRow[]> {
  const condition = after === null ? "" : "WHERE ?? > ? ";
  const position = after === null ? [] : [primaryKey, after];
  const [page] = await connection.query<RowDataPacket[]>({
    sql: `SELECT ?? FROM ?? ${condition}ORDER BY ?? LIMIT ${pageRows}`,
    values: [[...columns], table, ...position, primaryKey],
    timeout: relayMysqlLimits.queryTimeoutMs,
  });
  return page as TableRow[];
}
