import type { Projection } from "./project.ts";

/**
 * A column's value, the same whether a row came from the binlog or from a SELECT of the snapshot: BIGINT and
 * DECIMAL are text, dates are text in UTC with all their digits (`2026-01-31 10:00:00.123456`), JSON is
 * text, smaller integers and floats are numbers, binary is a Buffer.
 */
export type ColumnValue = string | number | null | Buffer;

export type TableRow = Readonly<Record<string, ColumnValue>>;

/**
 * What a context's `module.ts` hands to the relay for each table that the relay keeps in Redis. Its rows carry
 * a `version` that every UPDATE raises, and they are marked (`removed_at`, `revoked_at`), not deleted, while
 * anybody may still ask for them: the relay does not look at DELETEs.
 *
 * @example export const productTable: ProjectedTable = {
 *            table: "products",
 *            primaryKey: "id",
 *            projections: (row) => [productProjection({ id: String(row.id), version: …, document: … })],
 *          };
 */
export interface ProjectedTable {
  readonly table: string;
  /** One column, by which the snapshot pages. */
  readonly primaryKey: string;
  /** Pure. Nothing for a row that no longer matters, such as a session that is over. */
  readonly projections: (row: TableRow) => readonly Projection[];
}
