import { setTimeout as delay } from "node:timers/promises";
import { relayCurrentKey } from "@sluice/contract/keys.ts";
import { projectAll } from "../platform/redis/project.ts";
import type { ProjectedTable, TableRow } from "../platform/redis/projected-table.ts";
import { batchWindow } from "./batch-window.ts";
import { type BinlogReader, type LogBatch, openBinlog } from "./binlog-reader.ts";
import { completeRows } from "./complete-rows.ts";
import { fillTables, readFills } from "./fill.ts";
import { type Filters, openFilters } from "./filters.ts";
import { type Heartbeat, heartbeatColumns, heartbeatTable } from "./heartbeat.ts";
import { outboxColumns } from "./outbox-rows.ts";
import { type Checkpoint, checkpointText, type Place } from "./place.ts";
import type { Publisher } from "./publisher.ts";
import { takeRebuildRequest } from "./rebuild.ts";
import type { RelayOptions } from "./relay-options.ts";
import { rowRenderer } from "./render-rows.ts";
import type { RowChange } from "./row-buffer.ts";
import type { RelayGauges } from "./status.ts";

/**
 * Applies the log batch by batch, while missing projections are filled beside it:
 *
 *     reader ──take──▶ render ──▶ up to `batchesMax` on their way to Redis ──▶ checkpoint
 *     tables ──page──▶ render ──▶ Redis ──▶ how far the fill is
 *
 * The checkpoint moves behind what Redis has answered for, so it never names what is not applied. The first
 * failure of any part ends all of them.
 */
export const followLimits = {
  /** A Redis that was wiped while nothing is written is noticed after this at the latest. */
  idleMs: 500,
  batchesMax: 4,
  /** Between two checkpoints; what lies between is applied again after a crash, harmlessly. */
  checkpointEveryMs: 20,
  /** Who is further behind does not say that it keeps up. */
  currentBehindMs: 1_000,
  /** It is said every `idleMs`. */
  currentLifeMs: 1_500,
} as const;

const outboxTable = "outbox";

export interface Following {
  readonly options: RelayOptions;
  readonly checkpoint: Checkpoint;
  readonly place: Place;
  readonly token: string;
  readonly publisher: Publisher;
  readonly heartbeat: Heartbeat;
  readonly gauges: RelayGauges;
  readonly signal: AbortSignal;
}

/** Returns only by throwing. */
export async function follow(following: Following): Promise<never> {
  const { options, checkpoint, place, token, publisher, gauges, signal } = following;
  const { mysqlUrl: url, serverId, redis, tables, clock, logger } = options;
  const fault = new AbortController();
  const fail = (error: unknown) => fault.abort(error);
  const ending = AbortSignal.any([signal, fault.signal]);
  const render = rowRenderer(tables);
  const { position, epoch } = checkpoint;
  const filterIdsMax = options.filterIdsMax;
  const filters = await openFilters({ url, redis, tables, token, epoch, idsMax: filterIdsMax, logger });
  const reader = openBinlog({ url, serverId, position, tables: columnsOf(tables) });
  const endReader = () => void reader.close();
  ending.addEventListener("abort", endReader);

  const window = batchWindow(followLimits.batchesMax, fail);
  const saved = checkpointSaver(place, checkpoint, fail);
  const sayReady = readiness(() => {
    if (!reader.isStreaming() || place.held.ready === "") return false;
    logger.info({ epoch }, "ready");
    options.onReady();
    return true;
  });
  const fill = { url, redis, tables, render, place, token, clock, signal: ending, logger };
  const filling = fillTables(fill).then(sayReady).catch(fail);
  const building = filters.build(ending).catch(fail);
  const watch = everyIdle(async () => {
    await place.move(() => ({}));
    if ((following.heartbeat.behindMs() ?? Number.POSITIVE_INFINITY) < followLimits.currentBehindMs) {
      await redis.client.set(relayCurrentKey(redis.prefix), "1", "PX", followLimits.currentLifeMs);
    }
    await takeRebuildRequest(redis, place);
  });

  let sending: Promise<unknown> = Promise.resolve();
  try {
    tellGauges(following, reader, () => window.depth);
    gauges.filters = filters.status;
    for (;;) {
      // It may have aborted before there was a reader to close.
      ending.throwIfAborted();
      const batch = await reader.take(followLimits.idleMs);
      const beat = offerRows(batch, publisher);
      const rows = await completeRows(options.database, tables, batch.changes);
      const projections = render(rows);
      // In their order, each behind its ids; Redis answers for several at once.
      sending = Promise.all([sending, addToFilters(filters, tables, rows)]);
      const applied = sending.then(() => projectAll(redis, projections, { token }));
      await window.add(applied, () => {
        if (beat !== undefined) following.heartbeat.met(beat);
        gauges.position = batch.position;
        saved.applied(batch.position);
      });
      gauges.rows += batch.changes.length;
      gauges.log = batch.log;
      gauges.fills = readFills(place.held.fills);
      sayReady();
      await watch();
    }
  } catch (error) {
    throw fault.signal.aborted ? fault.signal.reason : error;
  } finally {
    fail(new Error("the relay stopped following"));
    await Promise.all([reader.close(), filling, building, window.settled(), saved.settled()]);
    await filters.settled();
    ending.removeEventListener("abort", endReader);
  }
}

function columnsOf(tables: readonly ProjectedTable[]): ReadonlyMap<string, readonly string[]> {
  return new Map([
    ...tables.map(({ table, columns }) => [table, columns] as const),
    [outboxTable, outboxColumns],
    [heartbeatTable, heartbeatColumns],
  ]);
}

/** Ids first, then what announces them. */
async function addToFilters(
  filters: Filters,
  tables: readonly ProjectedTable[],
  rows: readonly RowChange[],
): Promise<void> {
  for (const { table, primaryKey, filter } of tables) {
    if (filter === undefined) continue;
    const ids = rows
      .filter((change) => change.inserted && change.table === table)
      .map(({ row }) => String(row[primaryKey]));
    if (ids.length > 0) await filters.add(table, [...new Set(ids)]);
  }
}

/** Gives new messages to the publisher; returns the last heartbeat among the rows. */
function offerRows({ changes }: LogBatch, publisher: Publisher): TableRow | undefined {
  let beat: TableRow | undefined;
  for (const { table, inserted, row } of changes) {
    if (table === outboxTable && inserted) publisher.offer(row);
    else if (table === heartbeatTable) beat = row;
  }
  return beat;
}

/** Moves the checkpoint after what was applied, one move at a time, each to the newest position. */
function checkpointSaver(place: Place, checkpoint: Checkpoint, fail: (error: unknown) => void) {
  let newest = checkpoint.position;
  let savedPosition = newest;
  let saving: Promise<void> | undefined;
  const save = async () => {
    while (savedPosition !== newest) {
      const position = newest;
      await place.move(() => ({ checkpoint: checkpointText({ ...checkpoint, position }) }));
      savedPosition = position;
      await delay(followLimits.checkpointEveryMs);
    }
    saving = undefined;
  };
  return {
    applied: (position: string) => {
      newest = position;
      if (newest !== savedPosition) saving ??= save().catch(fail);
    },
    settled: async () => saving,
  };
}

/** Calls until it is true, then no more. */
function readiness(isReady: () => boolean): () => void {
  let said = false;
  return () => {
    said = said || isReady();
  };
}

function everyIdle(look: () => Promise<void>): () => Promise<void> {
  let lookedMs = performance.now();
  return async () => {
    if (performance.now() - lookedMs < followLimits.idleMs) return;
    lookedMs = performance.now();
    await look();
  };
}

function tellGauges(following: Following, reader: BinlogReader, batchesInFlight: () => number): void {
  const { gauges, checkpoint, heartbeat, publisher } = following;
  gauges.state = "following";
  gauges.epoch = checkpoint.epoch;
  gauges.position = checkpoint.position;
  gauges.behindMs = heartbeat.behindMs;
  gauges.queues = () => ({
    bufferedRows: reader.bufferedRows(),
    batchesInFlight: batchesInFlight(),
    messages: publisher.depth(),
  });
}
