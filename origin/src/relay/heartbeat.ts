import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../platform/mysql/time.ts";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { repeat } from "../platform/repeat.ts";

/**
 * A row that the leader updates once a second and meets again in the log. What lies between is how far it is
 * behind, by one clock, whatever else is written, and also when nothing is: an idle stream that brings no beats
 * is a dead one.
 */
export interface Heartbeat {
  /** A beat was read and everything before it was applied. */
  met(row: TableRow): void;
  /** Undefined until the first beat came back. */
  behindMs(): number | undefined;
  close(): Promise<void>;
}

export const heartbeatTable = "relay_heartbeat";
export const heartbeatColumns = ["beat_at"] as const;
const beatEveryMs = 1_000;

export function startHeartbeat(database: Database, clock: Clock, logger: Logger): Heartbeat {
  let metBeatMs: number | undefined;
  let tookMs = 0;
  const beat = async () => {
    await database.execute("UPDATE relay_heartbeat SET beat_at = ?", [toSqlTime(clock())]);
  };
  const beating = repeat("write the heartbeat", () => beatEveryMs, beat, logger);
  return {
    met: (row) => {
      metBeatMs = fromSqlTime(String(row.beat_at));
      tookMs = Math.max(0, clock() - metBeatMs);
    },
    behindMs: () => {
      if (metBeatMs === undefined) return undefined;
      return Math.max(tookMs, clock() - metBeatMs - 2 * beatEveryMs);
    },
    close: beating.close,
  };
}
