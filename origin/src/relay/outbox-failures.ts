import type { Database } from "../platform/mysql/database.ts";
import { toSqlTime } from "../platform/mysql/time.ts";
import type { OutboxRow } from "./outbox-rows.ts";

/** Remembers what the broker did not take, until it is written to the rows: so that a message can be traced. */
export interface OutboxFailures {
  note(row: OutboxRow, error: Error): void;
  /** Writes down what was noted since the last time. */
  write(nowMs: number): Promise<void>;
}

const reasonLengthMax = 200;
const writtenTogetherMax = 500;

/** At most `max` are remembered between two writings; more of them say nothing new. */
export function outboxFailures(database: Database, max: number): OutboxFailures {
  let noted = new Map<string, string>();
  return {
    note: ({ id }, error) => {
      if (noted.size < max) noted.set(id, error.message.slice(0, reasonLengthMax));
    },
    write: async (nowMs) => {
      if (noted.size === 0) return;
      const failures = [...noted];
      noted = new Map();
      for (const [reason, group] of Map.groupBy(failures, ([, error]) => error)) {
        for (let start = 0; start < group.length; start += writtenTogetherMax) {
          const ids = group.slice(start, start + writtenTogetherMax).map(([id]) => id);
          await database.execute(
            "UPDATE outbox SET failures = failures + 1, failure = ?, failed_at = ? WHERE id IN (?)",
            [reason, toSqlTime(nowMs), ids],
          );
        }
      }
    },
  };
}
