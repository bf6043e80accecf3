import type { RedisStore } from "../platform/redis/connect.ts";
import { type Projection, projectAll } from "../platform/redis/project.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";

/** Projections in one round trip: Redis does these in about 10 ms and serves others in between. */
const pipelineMax = 512;

export interface TableRows {
  readonly table: string;
  readonly row: TableRow;
}

/** What ended at `endedMs` or before is left out: a snapshot meets years of sessions that are over. */
export type ProjectRows = (rows: readonly TableRows[], endedMs?: number) => Promise<void>;

/**
 * Brings rows into Redis through the versioned script. Of several states of one row only the last is sent:
 * a hot row's hundred versions in a batch cost one write and wake the edge once.
 */
export function rowProjector(redis: RedisStore, tables: readonly ProjectedTable[]): ProjectRows {
  const byName = new Map(tables.map((table) => [table.table, table]));
  return async (rows, endedMs = 0) => {
    const latest = new Map<string, Projection>();
    for (const { table, row } of rows) {
      for (const projection of render(byName.get(table), row)) {
        const hasEnded = projection.expiresAtMs !== 0 && projection.expiresAtMs <= endedMs;
        if (!hasEnded) latest.set(`${projection.kind} ${projection.id}`, projection);
      }
    }
    const projections = [...latest.values()];
    for (let start = 0; start < projections.length; start += pipelineMax) {
      await projectAll(redis, projections.slice(start, start + pipelineMax));
    }
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
