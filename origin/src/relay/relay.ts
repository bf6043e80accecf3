import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";
import type { NewId } from "../kernel/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";
import { type BinlogReader, openBinlog } from "./binlog-reader.ts";
import { advance, followingPlace, type Place, PlaceLost, readPlace, resumable } from "./checkpoint.ts";
import { awaitLead, type Leadership } from "./leader.ts";
import { type ProjectRows, rowProjector } from "./project-rows.ts";
import { type Publisher, startPublisher } from "./publisher.ts";
import { takeSnapshot } from "./snapshot.ts";
import { statusTeller } from "./status.ts";

/**
 * Brings what is committed to where it is read:
 *
 *     standing by ──lead──▶ snapshot ──▶ following ──any failure──▶ wait ──▶ (again, from the checkpoint)
 *          ▲                   ▲              │ wiped Redis, purged position
 *          │                   └──────────────┘
 *          └── lead lost, from everywhere
 *
 * There is one way out of every trouble: let go of everything, read in Redis how far it got, and follow from
 * there. Applying a change again is harmless, so nobody has to find out what a failed batch had done. While
 * Redis or MySQL is away nothing is read, so memory stays bounded.
 */
export interface Relay {
  close(): Promise<void>;
}

export interface RelayOptions {
  readonly mysqlUrl: string;
  readonly rabbitmqUrl: string;
  readonly redis: RedisStore;
  readonly database: Database;
  readonly tables: readonly ProjectedTable[];
  readonly clock: Clock;
  readonly newId: NewId;
  /** Identifies this process to the server that it replicates from. */
  readonly serverId: number;
  readonly logger: Logger;
}

export const relayLimits = {
  /** A Redis that was wiped while nothing is written is noticed after this at the latest. */
  idleMs: 500,
  retryMinMs: 50,
  retryMaxMs: 1_000,
  /** What went well for so long and fails then is a new trouble: retries start with the shortest pause. */
  steadyMs: 5_000,
} as const;

const outboxTable = "outbox";

export function startRelay(options: RelayOptions): Relay {
  const stop = new AbortController();
  const running = leadAndRelay(options, stop.signal);
  return {
    close: async () => {
      stop.abort(new Error("the relay is stopping"));
      await running;
    },
  };
}

async function leadAndRelay(options: RelayOptions, stop: AbortSignal): Promise<void> {
  const { mysqlUrl, redis, logger } = options;
  while (!stop.aborted) {
    let leadership: Leadership | undefined;
    try {
      leadership = await awaitLead({ url: mysqlUrl, redisPrefix: redis.prefix, signal: stop, logger });
    } catch (error) {
      if (stop.aborted) return;
      throw error;
    }
    logger.info("this relay leads");
    const publisher = await startPublisher(options);
    await relayWhile(AbortSignal.any([stop, leadership.lost]), options, publisher);
    await publisher.close();
    await leadership.close();
    if (!stop.aborted) logger.warn({ err: String(leadership.lost.reason) }, "this relay no longer leads");
  }
}

/** Follows, and after each failure follows again, until `signal` aborts. */
async function relayWhile(signal: AbortSignal, options: RelayOptions, publisher: Publisher): Promise<void> {
  const { logger } = options;
  const projectRows = rowProjector(options.redis, options.tables);
  let failures = 0;
  let rebuild = false;
  while (!signal.aborted) {
    const startedMs = performance.now();
    try {
      const from = await placeToFollow(options, projectRows, rebuild, signal);
      rebuild = false;
      await follow(from, options, projectRows, publisher, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (performance.now() - startedMs > relayLimits.steadyMs) failures = 0;
      rebuild = isPurged(error);
      const err = (error as Error).message;
      if (rebuild) logger.warn({ err }, "the log no longer reaches back to the checkpoint: new snapshot");
      else if (failures === 0) logger.warn({ err }, "relaying was interrupted, starting again");
      const pauseMs = Math.min(relayLimits.retryMinMs * 2 ** failures++, relayLimits.retryMaxMs);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

interface FollowFrom {
  readonly place: Place;
  readonly epoch: string;
  readonly position: string;
}

/** The checkpoint if there is one that holds, else a new snapshot. */
async function placeToFollow(
  options: RelayOptions,
  projectRows: ProjectRows,
  rebuild: boolean,
  signal: AbortSignal,
): Promise<FollowFrom> {
  const { redis, tables, logger, mysqlUrl: url, clock, newId } = options;
  const place = await readPlace(redis);
  const found = rebuild ? undefined : resumable(place);
  if (found !== undefined) return { ...found, place };
  if (!rebuild) logger.info("redis holds no complete projections: taking a snapshot");
  const epoch = newId();
  const built = await takeSnapshot({ url, redis, tables, projectRows, epoch, clock, place, signal, logger });
  const follows = resumable(built);
  if (follows === undefined) throw new PlaceLost();
  return { ...follows, place: built };
}

/** Applies the log batch by batch; returns only by throwing. */
async function follow(
  { place, epoch, position }: FollowFrom,
  { mysqlUrl: url, serverId, redis, tables, logger }: RelayOptions,
  projectRows: ProjectRows,
  publisher: Publisher,
  signal: AbortSignal,
): Promise<void> {
  const tellStatus = statusTeller(redis);
  const names = [...tables.map((table) => table.table), outboxTable];
  const reader: BinlogReader = openBinlog({ url, serverId, position, tables: names });
  const endReader = () => void reader.close();
  signal.addEventListener("abort", endReader);
  try {
    let at = place;
    let announced = false;
    let rows = 0;
    for (;;) {
      // It may have aborted before there was a reader to close.
      signal.throwIfAborted();
      const batch = await reader.take(relayLimits.idleMs);
      for (const { table, inserted, row } of batch.changes) {
        if (table === outboxTable && inserted) publisher.offer(row);
      }
      await projectRows(batch.changes);
      at = await advance(redis, at, followingPlace(epoch, batch.position));
      rows += batch.changes.length;
      await tellStatus({ epoch, position: batch.position, behindMs: batch.behindMs, rows });
      if (announced || !reader.isStreaming()) continue;
      logger.info({ epoch, position: batch.position }, "ready");
      announced = true;
    }
  } finally {
    signal.removeEventListener("abort", endReader);
    await reader.close();
  }
}

/**
 * What the server says when it no longer has the log behind a position: 1236 in general, 1945 and 1955 on
 * MariaDB. 1236 also covers a second reader with our id, which a snapshot would not mend.
 */
function isPurged(error: unknown): boolean {
  const { errno, message } = error as { errno?: number; message?: string };
  if (errno === 1945 || errno === 1955) return true;
  return errno === 1236 && !/same server_(uu)?id|max_allowed_packet/i.test(message ?? "");
}
