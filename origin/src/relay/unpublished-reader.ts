import type { Database } from "../platform/mysql/database.ts";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { type OutboxRow, type OutboxRows, outboxRow } from "./outbox-rows.ts";

/** Reads from the table what is not published yet. */
export interface UnpublishedReader {
  /** To the end of the table, or until there is no more room: then it resolves to false. */
  readOn(): Promise<boolean>;
}

const pageRows = 500;

/** Goes on where it stopped last, so that rows that can't be published don't hide those behind them. */
export function unpublishedReader(
  database: Database,
  rows: OutboxRows,
  onRead: () => void,
): UnpublishedReader {
  let lastId = "0";
  return {
    readOn: async () => {
      for (;;) {
        const page = await readPage(database, lastId);
        for (const row of page) {
          if (!rows.add(row)) return false;
          lastId = row.id;
        }
        onRead();
        if (page.length < pageRows) {
          lastId = "0";
          return true;
        }
      }
    },
  };
}

async function readPage(database: Database, afterId: string): Promise<OutboxRow[]> {
  const page = await database.query<TableRow>(
    `SELECT id, exchange, routing_key, message_id, payload FROM outbox
     WHERE published_at IS NULL AND id > ? ORDER BY id LIMIT ${pageRows}`,
    [afterId],
  );
  return page.map(outboxRow);
}
