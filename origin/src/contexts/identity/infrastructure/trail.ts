import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { Database, Sql, SqlValue } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import { repeat } from "../../../platform/repeat.ts";
import { deviceOf } from "../application/client.ts";
import {
  type Trail,
  type TrailEntry,
  type TrailEvent,
  type TrailFilter,
  type TrailRecords,
  trailLimits,
} from "../application/trail.ts";

export interface WrittenTrail extends Trail {
  /** Writes what waits. */
  close(): Promise<void>;
}

/**
 * Gathers events and writes many by one statement: a commit for each would double what a sign-in costs. What a
 * killed process had not written yet is lost, 200 ms at most; what must not be lost (`refresh_reused`) is written
 * by the transaction that it happened in.
 */
export function writeTrail(database: Database, clock: Clock, logger: Logger): WrittenTrail {
  const waiting: SqlValue[][] = [];
  let lost = 0;
  const flush = async () => {
    if (lost > 0) logger.warn({ lost }, "the trail was full: events are missing");
    lost = 0;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, trailLimits.batchMax);
      await insert(database, batch);
      waiting.splice(0, batch.length);
    }
  };
  const flushing = repeat("write the trail", () => trailLimits.flushMs, flush, logger);
  return {
    record: (event) => {
      if (waiting.length < trailLimits.waitingMax) waiting.push(toRow(event, clock()));
      else lost += 1;
    },
    close: async () => {
      await flushing.close();
      await flush().catch((error: Error) => {
        logger.warn(
          { err: error.message, lost: waiting.length },
          "the rest of the trail could not be written",
        );
      });
    },
  };
}

/** Within the transaction that makes it true. */
export function insertTrailEvent(sql: Sql, event: TrailEvent, nowMs: number): Promise<void> {
  return insert(sql, [toRow(event, nowMs)]);
}

export function trailIn(database: Database): TrailRecords {
  return {
    page: async (filter, beforeId, limit) => {
      const { conditions, values } = conditionsOf(filter);
      const rows = await database.query<TrailRow>(
        `SELECT id, at, kind, user_id AS userId, session_id AS sessionId, operator, detail, address, country,
                device, request_id AS requestId
         FROM identity_trail WHERE ${["id < ?", ...conditions].join(" AND ")} ORDER BY id DESC LIMIT ?`,
        [beforeId, ...values, limit],
      );
      return rows.map(({ at, ...row }) => ({ ...row, atMs: fromSqlTime(at) }));
    },

    forget: async (beforeMs, max) => {
      const { affectedRows } = await database.execute(
        "DELETE FROM identity_trail WHERE at < ? ORDER BY at LIMIT ?",
        [toSqlTime(beforeMs), max],
      );
      return affectedRows;
    },
  };
}

type TrailRow = Omit<TrailEntry, "atMs"> & { readonly at: string };

function conditionsOf({ userId, sessionId, kind, address, sinceMs }: TrailFilter) {
  const asked: [condition: string, value: SqlValue | undefined][] = [
    ["user_id = ?", userId],
    ["session_id = ?", sessionId],
    ["kind = ?", kind],
    ["address = ?", address],
    ["at >= ?", sinceMs === undefined ? undefined : toSqlTime(sinceMs)],
  ];
  const given = asked.flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]));
  return { conditions: given.map(({ condition }) => condition), values: given.map(({ value }) => value) };
}

async function insert(sql: Sql, rows: readonly SqlValue[][]): Promise<void> {
  await sql.execute(
    `INSERT INTO identity_trail (at, kind, user_id, session_id, operator, detail, address, country, device, request_id)
     VALUES ?`,
    [rows],
  );
}

function toRow({ kind, userId, sessionId, operator, detail, client }: TrailEvent, nowMs: number): SqlValue[] {
  return [
    toSqlTime(nowMs),
    kind,
    userId ?? null,
    sessionId ?? null,
    operator ?? null,
    detail ?? null,
    client.address,
    client.country,
    deviceOf(client.userAgent),
    client.requestId,
  ];
}
