import type { Projection, ProjectionShape } from "../platform/redis/project.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";

export interface TableRowOf {
  readonly table: string;
  readonly row: TableRow;
}

/** What ended at `endedMs` or before is left out: a fill meets years of sessions that are over. */
export type Render = (rows: readonly TableRowOf[], endedMs?: number) => readonly Projection[];

/**
 * Makes projections of rows, those of one shape together. Of several states of one row only the last is given:
 * a hot row's hundred versions in a batch cost one write and wake the edges once.
 */
export function rowRenderer(tables: readonly ProjectedTable[]): Render {
  const byName = new Map(tables.map((table) => [table.table, table]));
  return (rows, endedMs = 0) => {
    const latest = new Map<ProjectionShape, Map<string, Projection>>();
    for (const { table, row } of rows) {
      for (const projection of render(byName.get(table), row)) {
        if (projection.expiresAtMs !== 0 && projection.expiresAtMs <= endedMs) continue;
        const ofShape = latest.get(projection.shape);
        if (ofShape === undefined) latest.set(projection.shape, new Map([[projection.id, projection]]));
        else ofShape.set(projection.id, projection);
      }
    }
    return [...latest.values()].flatMap((ofShape) => [...ofShape.values()]);
  };
}

/** Names the row that a context can't render: nothing goes on until somebody has looked at it. */
function render(table: ProjectedTable | undefined, row: TableRow): readonly Projection[] {
  if (table === undefined) return [];
  try {
    return table.projections(row);
  } catch (error) {
    throw new Error(`${table.table} ${row[table.primaryKey]} can't be projected`, { cause: error });
  }
}
