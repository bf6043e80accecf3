import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../logger.ts";
import type { Database } from "../mysql/database.ts";
import { toSqlTime } from "../mysql/time.ts";
import { type Repeated, repeat } from "../repeat.ts";

export const outboxLimits = {
  /** Published messages are kept so long, for whoever wants to know what became of one. */
  keepMs: 7 * 24 * 3_600_000,
  pruneIntervalMs: 60_000,
  pruneRowsMax: 1_000,
} as const;

/** Removes messages that were published long ago, in batches. What is not published stays for ever. */
export function pruneOutbox(database: Database, clock: Clock, logger: Logger): Repeated {
  const prune = async () => {
    for (;;) {
      const { affectedRows } = await database.execute(
        "DELETE FROM outbox WHERE published_at < ? ORDER BY published_at, id LIMIT ?",
        [toSqlTime(clock() - outboxLimits.keepMs), outboxLimits.pruneRowsMax],
      );
      if (affectedRows < outboxLimits.pruneRowsMax) return;
    }
  };
  return repeat("prune the outbox", () => outboxLimits.pruneIntervalMs, prune, logger);
}
