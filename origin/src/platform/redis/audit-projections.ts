import { setTimeout as delay } from "node:timers/promises";
import {
  FIELD_DOCUMENT,
  FIELD_FLOOR,
  FIELD_VERSION,
  formerLikersKey,
  likersKey,
  likesKey,
  readyKey,
} from "@sluice/contract/keys.ts";
import type { Clock } from "../../kernel/clock.ts";
import { type AuditResult, auditRowsMax } from "../audit.ts";
import type { Database } from "../mysql/database.ts";
import { type RedisStore, untilReady } from "./connect.ts";
import type { Projection } from "./project.ts";
import type { ProjectedTable, TableRow } from "./projected-table.ts";

export interface ProjectionAuditDependencies {
  readonly database: Database;
  readonly redis: RedisStore;
  readonly clock: Clock;
}

export const projectionAuditLimits = {
  pageRows: 1_000,
  /** Differences looked at a second time; with more there is no doubt. */
  doubtfulMax: 1_000,
  /** A change that takes longer than this to arrive is a fault. */
  settleMs: 3_000,
  settlePauseMs: 100,
  connectMs: 3_000,
} as const;

/**
 * Holds Redis against the tables, row by row. On a live system a row may have changed a moment ago, so what
 * differs is looked at again until it agrees or `settleMs` are over. Before the first snapshot is complete
 * Redis promises nothing, and nothing is looked at.
 */
export async function auditProjections(
  on: ProjectionAuditDependencies,
  tables: readonly ProjectedTable[],
): Promise<AuditResult[]> {
  await untilReady(on.redis, projectionAuditLimits.connectMs);
  if ((await on.redis.client.exists(readyKey(on.redis.prefix))) === 0) return [];
  const results: AuditResult[] = [];
  for (const table of tables) {
    results.push({ name: `redis: ${table.table} as the rows have it`, broken: await differences(on, table) });
  }
  return results;
}

async function differences(on: ProjectionAuditDependencies, table: ProjectedTable) {
  let doubtful: TableRow[] = [];
  for await (const page of pagesOf(on.database, table)) {
    doubtful.push(...(await differing(on, table, page)).map(({ row }) => row));
    if (doubtful.length > projectionAuditLimits.doubtfulMax) break;
  }
  const untilMs = on.clock() + projectionAuditLimits.settleMs;
  for (;;) {
    const found = await differing(on, table, await readAgain(on.database, table, doubtful));
    if (found.length === 0 || on.clock() >= untilMs) return found.slice(0, auditRowsMax).map(shown);
    doubtful = found.map(({ row }) => row);
    await delay(projectionAuditLimits.settlePauseMs);
  }
}

/** What Redis holds of a row. */
export interface Held {
  /** Null when it holds nothing. */
  readonly version: string | null;
  /** Undefined for a tombstone, and where only versions are held. */
  readonly document: string | undefined;
}

export interface Difference {
  readonly row: TableRow;
  readonly projection: Projection;
  readonly held: Held;
}

/** By version and by document. */
export async function differing(
  { redis, clock }: Pick<ProjectionAuditDependencies, "redis" | "clock">,
  table: ProjectedTable,
  rows: readonly TableRow[],
): Promise<Difference[]> {
  const expected = rows.flatMap((row) =>
    table
      .projections(row)
      .filter(({ expiresAtMs }) => expiresAtMs === 0 || expiresAtMs > clock())
      .map((projection) => ({ row, projection })),
  );
  const pipeline = redis.client.pipeline();
  for (const { projection } of expected) readHeld(pipeline, redis.prefix, projection);
  const answers = (await pipeline.exec()) ?? [];
  return expected.flatMap(({ row, projection }, index) => {
    const [error, answer] = answers[index] as [Error | null, unknown];
    if (error !== null) throw error;
    const held = heldIn(projection, answer);
    const agrees = held.version === String(projection.version) && held.document === shownDocument(projection);
    return agrees || isBelowFloor(projection, answer) ? [] : [{ row, projection, held }];
  });
}

type Pipeline = ReturnType<RedisStore["client"]["pipeline"]>;

function readHeld(
  pipeline: Pipeline,
  prefix: string,
  { key, id, shape: { layout, fieldPrefix } }: Projection,
): void {
  if (layout === "ranking") readRank(pipeline, prefix, id);
  else if (layout === "field") pipeline.hmget(prefix + key, id);
  else pipeline.hmget(prefix + key, fieldPrefix + FIELD_VERSION, fieldPrefix + FIELD_DOCUMENT);
}

/** A ranking's floor, and the times of the user's last action in either set. */
function readRank(pipeline: Pipeline, prefix: string, id: string): void {
  const [product = "", member = ""] = id.split(" ");
  const sets = [likersKey(prefix, product), formerLikersKey(prefix, product)];
  pipeline.eval(rankOfMember, 3, likesKey(prefix, product), ...sets, FIELD_FLOOR, member);
}

const rankOfMember = `return {
  redis.call("ZSCORE", KEYS[2], ARGV[2]), redis.call("ZSCORE", KEYS[3], ARGV[2]), redis.call("HGET", KEYS[1], ARGV[1])
}`;

function isBelowFloor({ shape, version }: Projection, answer: unknown): boolean {
  const floor = shape.layout === "ranking" ? (answer as (string | null)[])[2] : null;
  return floor !== null && floor !== undefined && Number(version) <= Number(floor);
}

function heldIn({ shape, document }: Projection, answer: unknown): Held {
  const [first, second] = answer as (string | null)[];
  if (shape.layout === "ranking") {
    return { version: (document === undefined ? second : first) ?? null, document: undefined };
  }
  if (first === null || first === undefined) return { version: null, document: undefined };
  if (shape.layout === "entry") return { version: first, document: second ?? undefined };
  return { version: String((JSON.parse(first) as { version: number }).version), document: first };
}

function shownDocument({ shape, document }: Projection): string | undefined {
  return shape.layout === "ranking" ? undefined : document;
}

function shown({ projection, held }: Difference) {
  const { key, id, shape, version } = projection;
  const redis = held.version === String(version) ? `${version}, with another document` : held.version;
  return { key, field: shape.layout === "field" ? id : shape.fieldPrefix, row: String(version), redis };
}

async function* pagesOf(database: Database, { table, primaryKey }: ProjectedTable) {
  const { pageRows } = projectionAuditLimits;
  let after: string | number = "";
  for (;;) {
    const page: TableRow[] = await database.query<TableRow>(
      `SELECT * FROM ${table} WHERE ${primaryKey} > ? ORDER BY ${primaryKey} LIMIT ${pageRows}`,
      [after],
    );
    yield page;
    if (page.length < pageRows) return;
    after = page.at(-1)?.[primaryKey] as string | number;
  }
}

export async function readAgain(
  database: Database,
  { table, primaryKey }: ProjectedTable,
  rows: readonly TableRow[],
): Promise<TableRow[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row[primaryKey] as string | number);
  return database.query<TableRow>(`SELECT * FROM ${table} WHERE ${primaryKey} IN (?)`, [ids]);
}
