import type { RedisStore } from "../platform/redis/connect.ts";
import { type Projection, projectAll } from "../platform/redis/project.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";

/** Projections in one round trip: Redis does these in about 10 ms and serves others in between. */
const pipelineMax = 512;

export interface TableRows {
  readonly table: string;
  readonly row: TableRow;
}

export type ProjectRows = (rows: readonly TableRows[]) => Promise<void>;

/**
 * Brings rows into Redis through the versioned script. Of several states of one row only the last is sent:
 * a hot row's hundred versions in a batch cost one write and wake the edge once.
 */
export function rowProjector(redis: RedisStore, tables: readonly ProjectedTable[]): ProjectRows {
  const byName = new Map(tables.map((table) => [table.table, table]));
  return async (rows) => {
    const latest = new Map<string, Projection>();
    for (const { table, row } of rows) {
      for (const projection of byName.get(table)?.projections(row) ?? []) {
        latest.set(`${projection.kind} ${projection.id}`, projection);
      }
    }
    const projections = [...latest.values()];
    for (let start = 0; start < projections.length; start += pipelineMax) {
      await projectAll(redis, projections.slice(start, start + pipelineMax));
    }
  };
}
