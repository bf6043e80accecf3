import type { Database } from "../platform/mysql/database.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";
import type { RowChange } from "./row-buffer.ts";

/**
 * A row in the log may be from before a column was added that its projection reads by now. The table has it: the row
 * as it is there is as new or newer, and that is all that a projection asks for. When the table lacks the column
 * itself, this fails and says which, and nothing goes on until schema and declaration fit again.
 */
export async function completeRows(
  database: Database,
  tables: readonly ProjectedTable[],
  changes: readonly RowChange[],
): Promise<readonly RowChange[]> {
  if (changes.every(({ complete }) => complete)) return changes;
  const read = new Map<string, Map<string, TableRow>>();
  for (const table of tables) {
    const rows = changes.filter((change) => !change.complete && change.table === table.table);
    if (rows.length > 0) read.set(table.table, await readAgain(database, table, rows));
  }
  return changes.flatMap((change) => {
    if (change.complete) return [change];
    const { primaryKey } = tables.find(({ table }) => table === change.table) ?? {};
    const row = primaryKey && read.get(change.table)?.get(String(change.row[primaryKey]));
    // Gone from the table since: the log has its end as well.
    return row ? [{ ...change, row, complete: true }] : [];
  });
}

async function readAgain(
  database: Database,
  { table, primaryKey, columns }: ProjectedTable,
  changes: readonly RowChange[],
): Promise<Map<string, TableRow>> {
  const ids = [...new Set(changes.map(({ row }) => row[primaryKey] as string | number))];
  const rows = await database.query<TableRow>(
    `SELECT ${columns.join(", ")} FROM ${table} WHERE ${primaryKey} IN (?)`,
    [ids],
  );
  return new Map(rows.map((row) => [String(row[primaryKey]), row]));
}
