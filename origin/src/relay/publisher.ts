import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import { toSqlTime } from "../platform/mysql/time.ts";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { repeat } from "../platform/repeat.ts";
import { connectOutboxChannel } from "./outbox-channel.ts";
import { outboxFailures } from "./outbox-failures.ts";
import { type OutboxRow, OutboxRows, outboxRow } from "./outbox-rows.ts";
import { outboxSender } from "./outbox-sender.ts";
import { unpublishedReader } from "./unpublished-reader.ts";

/**
 * Sends outbox rows to RabbitMQ, each at least once. A row is done when the broker confirmed it and did not
 * return it; then `published_at` is set. The table alone knows what is not published:
 *
 *     binlog ──offer──▶ waiting ──▶ sent ──ack──▶ acknowledged ──▶ published_at
 *      table ──poll───▶    ▲         │ nack, returned, channel closed
 *                          └─────────┴ forgotten, found again by the next poll
 *
 * So the relay's checkpoint does not wait for the broker: a row that found no room, that failed, or that a
 * killed relay had in its hands, is in the table still. The poll runs when the broker is connected, then every
 * `pollMs`, sooner while something failed. A broker that is down costs `rowsMax` rows of memory and never
 * holds up a projection.
 */
export interface Publisher {
  /** Takes a row that was just inserted. Never waits: what finds no room is left to the poll. */
  offer(row: TableRow): void;
  /** Messages in hand. */
  depth(): number;
  /** Waits for what is in flight, within a bound; the table keeps the rest. */
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly rabbitmqUrl: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const publisherLimits = {
  rowsMax: 5_000,
  markedLatelyMax: 20_000,
  pollMs: 5_000,
  pollAfterFailureMs: 1_000,
  markEveryMs: 50,
  complainEveryMs: 10_000,
  drainMs: 3_000,
} as const;

export async function startPublisher(options: PublisherOptions): Promise<Publisher> {
  const { rabbitmqUrl, database, clock, logger } = options;
  const rows = new OutboxRows(publisherLimits);
  const complain = complaints(logger);
  const failures = outboxFailures(database, publisherLimits.rowsMax);
  let failed = true;

  const channel = await connectOutboxChannel({ url: rabbitmqUrl, logger, onOpen: () => poll.now() });
  const sender = outboxSender(channel, rows, (row, error) => {
    failed = true;
    failures.note(row, error);
    complain(row, error);
  });
  const reader = unpublishedReader(database, rows, sender.pump);

  let lastPollMs = Number.NEGATIVE_INFINITY;
  const readTable = async () => {
    const due = performance.now() - lastPollMs >= publisherLimits.pollMs;
    if (!channel.isOpen() || !(failed || due)) return;
    failed = false;
    lastPollMs = performance.now();
    if (!(await reader.readOn())) failed = true;
  };

  const markPublished = async () => {
    for (let ids = rows.unmarked(markRows); ids.length > 0; ids = rows.unmarked(markRows)) {
      const now = toSqlTime(clock());
      await database.execute("UPDATE outbox SET published_at = ? WHERE id IN (?)", [now, ids]);
      rows.marked(ids);
    }
    await failures.write(clock());
  };

  const every = (ms: number, what: string, work: () => Promise<void>) => repeat(what, () => ms, work, logger);
  const poll = every(publisherLimits.pollAfterFailureMs, "read the outbox", readTable);
  const mark = every(publisherLimits.markEveryMs, "mark published messages", markPublished);

  return {
    offer: (row) => {
      if (row.published_at !== null) return;
      if (!rows.add(outboxRow(row))) failed = true;
      sender.pump();
    },
    depth: () => rows.size,
    close: async () => {
      await poll.close();
      await sender.drain(publisherLimits.drainMs);
      await mark.close();
      await markPublished().catch((error: Error) =>
        logger.warn({ err: error.message }, "messages not marked"),
      );
      await channel.close();
    },
  };
}

const markRows = 500;

/** One line in a while, not one for each of thousands of messages. */
function complaints(logger: Logger) {
  let lastMs = Number.NEGATIVE_INFINITY;
  return ({ id, exchange, routingKey }: OutboxRow, error: Error) => {
    if (performance.now() - lastMs < publisherLimits.complainEveryMs) return;
    lastMs = performance.now();
    logger.warn({ id, exchange, routingKey, err: error.message }, "message not published, will try again");
  };
}
