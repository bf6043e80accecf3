import type { Projection } from "./project.ts";

/**
 * A column's value, the same whether a row came from the binlog or from a SELECT of a fill: BIGINT and
 * DECIMAL are text, dates are text in UTC with all their digits (`2026-01-31 10:00:00.123456`), JSON is
 * text, smaller integers and floats are numbers, binary is a Buffer.
 */
export type ColumnValue = string | number | null | Buffer;

export type TableRow = Readonly<Record<string, ColumnValue>>;

/**
 * What a context's `module.ts` hands to the relay for each table that the relay keeps in Redis. Its rows carry
 * a `version` that every UPDATE raises, and they are marked (`removed_at`, `revoked_at`), not deleted, while
 * anybody may still ask for them: the relay does not look at DELETEs.
 */
export interface ProjectedTable {
  readonly table: string;
  /** One column, by which a fill pages. */
  readonly primaryKey: string;
  /** What `projections` reads. Nothing else of a row is decoded or selected. */
  readonly columns: readonly string[];
  /**
   * Raised with every change of what `projections` makes of a row. The relay then fills this table's projections
   * anew, while all others and the log go on.
   */
  readonly revision: number;
  /** Which keys its projections may have, as a pattern of Redis (`product:*`), without the prefix of all keys. */
  readonly keys: string;
  /** The filter that knows every id that a row of this table ever had; ids are whole numbers. */
  readonly filter?: string;
  /** Pure. Nothing for a row that no longer matters, such as a session that is over. */
  readonly projections: (row: TableRow) => readonly Projection[];
}

/**
 * Declares one; that `projections` reads only its `columns` is a matter of types.
 *
 * @example export const productsTable = projectedTable({
 *            table: "products",
 *            primaryKey: "id",
 *            columns: ["id", "version", "name"],
 *            revision: 1,
 *            keys: productKey("", "*"),
 *            projections: (row) => [productProjection({ id: String(row.id), version: …, document: … })],
 *          });
 */
export function projectedTable<Column extends string>(
  declared: Omit<ProjectedTable, "primaryKey" | "columns" | "projections"> & {
    readonly primaryKey: NoInfer<Column>;
    readonly columns: readonly Column[];
    readonly projections: (row: Readonly<Record<NoInfer<Column>, ColumnValue>>) => readonly Projection[];
  },
): ProjectedTable {
  // Whoever has a row has at least its declared columns: the reader and the fill read exactly these.
  return declared as ProjectedTable;
}
