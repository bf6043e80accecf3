import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import { toSqlTime } from "../platform/mysql/time.ts";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { repeat } from "../platform/repeat.ts";
import { connectOutboxChannel } from "./outbox-channel.ts";
import { type OutboxRow, OutboxRows, outboxRow } from "./outbox-rows.ts";
import { pruneLimits, pruneOutbox } from "./prune-outbox.ts";

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
  inFlightMax: 500,
  pollMs: 5_000,
  pollAfterFailureMs: 1_000,
  pollRows: 500,
  markEveryMs: 50,
  markRows: 500,
  markedLatelyMax: 20_000,
  complainEveryMs: 10_000,
  closeTimeoutMs: 3_000,
} as const;

export async function startPublisher({
  rabbitmqUrl,
  database,
  clock,
  logger,
}: PublisherOptions): Promise<Publisher> {
  const rows = new OutboxRows(publisherLimits);
  const inFlight = new Set<Promise<void>>();
  const complain = complaints(logger);
  let failed = true;
  let closing = false;
  let polledId = "0";
  let lastPollMs = Number.NEGATIVE_INFINITY;

  const channel = await connectOutboxChannel({ url: rabbitmqUrl, logger, onOpen: () => poll.now() });

  const pump = () => {
    while (channel.isOpen() && !closing && inFlight.size < publisherLimits.inFlightMax) {
      const row = rows.next();
      if (row === undefined) return;
      const sending: Promise<void> = send(row).finally(() => {
        inFlight.delete(sending);
        pump();
      });
      inFlight.add(sending);
    }
  };

  const send = async (row: OutboxRow) => {
    try {
      await channel.send(row);
      rows.acknowledge(row.id);
    } catch (error) {
      rows.forget(row.id);
      failed = true;
      complain(row, error as Error);
    }
  };

  /** Goes on where the last poll stopped, so rows that can't be published don't hide those behind them. */
  const readTable = async () => {
    const due = performance.now() - lastPollMs >= publisherLimits.pollMs;
    if (!channel.isOpen() || !(failed || due)) return;
    failed = false;
    lastPollMs = performance.now();
    for (;;) {
      const page = await readUnpublished(database, polledId);
      for (const row of page) {
        if (!rows.add(row)) {
          failed = true;
          return pump();
        }
        polledId = row.id;
      }
      pump();
      if (page.length < publisherLimits.pollRows) {
        polledId = "0";
        return;
      }
    }
  };

  const markPublished = async () => {
    for (let ids = rows.unmarked(publisherLimits.markRows); ids.length > 0; ) {
      const now = toSqlTime(clock());
      await database.execute("UPDATE outbox SET published_at = ? WHERE id IN (?)", [now, ids]);
      rows.marked(ids);
      ids = rows.unmarked(publisherLimits.markRows);
    }
  };

  const poll = repeat("read the outbox", () => publisherLimits.pollAfterFailureMs, readTable, logger);
  const mark = repeat("mark published messages", () => publisherLimits.markEveryMs, markPublished, logger);
  const prune = repeat(
    "prune the outbox",
    () => pruneLimits.everyMs,
    () => pruneOutbox(database, clock),
    logger,
  );

  return {
    offer: (row) => {
      if (row.published_at !== null) return;
      if (!rows.add(outboxRow(row))) failed = true;
      pump();
    },
    close: async () => {
      closing = true;
      await Promise.all([poll.close(), prune.close()]);
      const bound = new AbortController();
      const timeout = delay(publisherLimits.closeTimeoutMs, undefined, { signal: bound.signal });
      await Promise.race([Promise.all(inFlight), timeout.catch(() => undefined)]);
      bound.abort();
      await mark.close();
      await markPublished().catch((error: Error) =>
        logger.warn({ err: error.message }, "messages not marked"),
      );
      await channel.close();
    },
  };
}

async function readUnpublished(database: Database, afterId: string): Promise<OutboxRow[]> {
  const rows = await database.query<TableRow>(
    `SELECT id, exchange, routing_key, message_id, payload FROM outbox
     WHERE published_at IS NULL AND id > ? ORDER BY id LIMIT ${publisherLimits.pollRows}`,
    [afterId],
  );
  return rows.map(outboxRow);
}

/** One line in a while, not one for each of thousands of messages. */
function complaints(logger: Logger) {
  let lastMs = Number.NEGATIVE_INFINITY;
  return ({ id, exchange, routingKey }: OutboxRow, error: Error) => {
    if (performance.now() - lastMs < publisherLimits.complainEveryMs) return;
    lastMs = performance.now();
    logger.warn({ id, exchange, routingKey, err: error.message }, "message not published, will try again");
  };
}
