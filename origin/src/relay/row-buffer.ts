import type { AnyBinlogEvent, TableMapEntry } from "@vlasky/zongji";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { type ColumnConversion, conversionsOf, convertRow } from "./row-values.ts";

export interface RowChange {
  readonly table: string;
  readonly inserted: boolean;
  readonly row: TableRow;
  /** False when the table had not all columns that are looked at: it was changed since, or is to be. */
  readonly complete: boolean;
}

export const bufferLimits = { rowsMax: 1_024, bytesMax: 1024 * 1024 } as const;

/** Rows between two takes. It may be overfilled by one event, which has 8 KiB unless a row is larger. */
export class RowBuffer {
  #changes: RowChange[] = [];
  #bytes = 0;
  #described: TableMapEntry | undefined;
  #conversions: readonly ColumnConversion[] = [];
  #complete = true;
  readonly #columns: ReadonlyMap<string, readonly string[]>;

  constructor(columns: ReadonlyMap<string, readonly string[]>) {
    this.#columns = columns;
  }

  addRows(table: string, inserted: boolean, rows: readonly TableRow[], bytes: number): void {
    for (const row of rows) this.#changes.push({ table, inserted, row, complete: true });
    this.#bytes += bytes;
  }

  /** What zongji has decoded. False when the event carries no rows. */
  add(event: AnyBinlogEvent): boolean {
    if (!("rows" in event)) return false;
    const described = event.tableMap[event.tableId];
    if (described === undefined) return false;
    if (described !== this.#described) {
      this.#described = described;
      this.#conversions = conversionsOf(described);
      const names = new Set(described.columns?.map(({ name }) => name));
      const wanted = this.#columns.get(described.tableName) ?? [];
      this.#complete = wanted.every((name) => names.has(name));
    }
    const inserted = event.getTypeName() === "WriteRows";
    for (const changed of event.rows) {
      const row = (inserted ? changed : changed.after) as Record<string, unknown>;
      convertRow(row, this.#conversions);
      this.#changes.push({
        table: described.tableName,
        inserted,
        row: row as TableRow,
        complete: this.#complete,
      });
    }
    this.#bytes += event.size;
    return true;
  }

  get length(): number {
    return this.#changes.length;
  }

  isFull(): boolean {
    return this.#changes.length >= bufferLimits.rowsMax || this.#bytes >= bufferLimits.bytesMax;
  }

  drain(): readonly RowChange[] {
    const drained = this.#changes;
    this.#changes = [];
    this.#bytes = 0;
    return drained;
  }
}
