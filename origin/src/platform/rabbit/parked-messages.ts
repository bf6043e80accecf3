import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { Message } from "amqplib";
import { isUuid } from "../../kernel/ids.ts";
import type { Database, Sql, Transaction } from "../mysql/database.ts";
import { toSqlTime } from "../mysql/time.ts";
import { appendToOutbox } from "../outbox/append.ts";

/** A message that nobody could read or handle, put aside with the reason so that those behind it go on. */
export interface ParkedMessage {
  readonly id: number;
  /** The queue from which it came, and to which it goes when it is sent again. */
  readonly queue: string;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  /** As it came; more than `body` has when it was too long to be kept whole. */
  readonly bodyBytes: number;
  readonly reason: string;
  readonly parkedAt: string;
}

export const parkedLimits = {
  /** What is kept of a body. None of ours has more than some hundred bytes. */
  bodyBytesMax: 1024 * 1024,
  reasonLengthMax: 1_000,
  listMax: 200,
  /** Those that were sent again or dropped are kept so long, as the outbox keeps what was published. */
  settledKeptMs: 7 * 24 * 3_600_000,
  settledPruneMax: 1_000,
} as const;

export type RetryOutcome = "sent" | "unknown" | "cut" | "not-text" | "answered";

/** What is parked under such a name came from no queue of the broker, and whoever waited for it has got an answer. */
export const answeredPrefix = "sale:";

/**
 * Parked messages are rows, so that they can be looked at, sent again and dropped one by one:
 *
 *     parked ──▶ sent-again | dropped ──a week──▶ pruned
 *
 * One that is sent again keeps its id, so it is the same message to whoever follows it. What is settled is seen by
 * nobody but those who want to know what became of a message.
 */
export interface ParkedMessages {
  park(
    queue: string,
    message: Pick<Message, "content" | "properties">,
    reason: string,
    nowMs: number,
  ): Promise<void>;
  /** Newest first, at most `parkedLimits.listMax`. */
  list(): Promise<ParkedMessage[]>;
  find(id: number): Promise<ParkedMessage | undefined>;
  /**
   * Hands it to the outbox, under its own id and addressed to its queue, in one transaction. `cut` when only a part of
   * it was kept; `not-text` when it is no UTF-8, which the outbox can't hold; `answered` when there is nobody to send it to.
   */
  retry(id: number, nowMs: number): Promise<RetryOutcome>;
  /** False when there is none. */
  drop(id: number, nowMs: number): Promise<boolean>;
  /** Removes what was settled before that time, at most `max`; how many they were. */
  prune(beforeMs: number, max: number): Promise<number>;
}

export function parkedMessagesIn(database: Database): ParkedMessages {
  return {
    park: async (queue, { content, properties }, reason, nowMs) => {
      await database.execute(
        `INSERT INTO parked_messages (queue, message_id, headers, body, body_bytes, reason, parked_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [
          queue,
          String(properties.messageId ?? "").slice(0, 255),
          JSON.stringify(properties.headers ?? {}),
          content.subarray(0, parkedLimits.bodyBytesMax),
          content.length,
          reason.slice(0, parkedLimits.reasonLengthMax),
          toSqlTime(nowMs),
        ],
      );
    },
    list: async () => {
      const rows = await database.query<ParkedRow>(
        "SELECT * FROM parked_messages WHERE settled_at IS NULL ORDER BY id DESC LIMIT ?",
        [parkedLimits.listMax],
      );
      return rows.map(toParked);
    },
    find: (id) => findParked(database, id, ""),
    retry: (id, nowMs) =>
      database.transaction(async (tx) => {
        const parked = await findParked(tx, id, "FOR UPDATE");
        if (parked === undefined) return "unknown";
        if (parked.queue.startsWith(answeredPrefix)) return "answered";
        if (parked.body.length < parked.bodyBytes) return "cut";
        if (!isUtf8(parked.body)) return "not-text";
        await sendAgain(tx, parked);
        await settle(tx, id, "sent-again", nowMs);
        return "sent";
      }),
    drop: (id, nowMs) => settle(database, id, "dropped", nowMs),
    prune: async (beforeMs, max) => {
      const { affectedRows } = await database.execute(
        "DELETE FROM parked_messages WHERE settled_at < ? ORDER BY settled_at LIMIT ?",
        [toSqlTime(beforeMs), max],
      );
      return affectedRows;
    },
  };
}

/** About what it was before, so that it is found by it. What came without an id of our kind gets one. */
async function sendAgain(tx: Transaction, { id, queue, messageId, body }: ParkedMessage): Promise<void> {
  const before = isUuid(messageId)
    ? await tx.query<{ sending: number; subject: string | null }>(
        "SELECT sending, subject FROM outbox WHERE message_id = ? ORDER BY sending DESC FOR UPDATE",
        [messageId],
      )
    : [];
  const [last] = before;
  await appendToOutbox(tx, [
    {
      exchange: "",
      routingKey: queue,
      messageId: isUuid(messageId) ? messageId : randomUUID(),
      sending: (last?.sending ?? 0) + 1,
      subject: last?.subject ?? `parked:${id}`,
      payload: body.toString("utf8"),
    },
  ]);
}

/** False when there is none, or it is settled already. */
async function settle(sql: Sql, id: number, how: "sent-again" | "dropped", nowMs: number): Promise<boolean> {
  const { affectedRows } = await sql.execute(
    "UPDATE parked_messages SET settled_at = ?, settlement = ? WHERE id = ? AND settled_at IS NULL",
    [toSqlTime(nowMs), how, id],
  );
  return affectedRows === 1;
}

async function findParked(sql: Sql, id: number, lock: "" | "FOR UPDATE"): Promise<ParkedMessage | undefined> {
  const [row] = await sql.query<ParkedRow>(
    `SELECT * FROM parked_messages WHERE id = ? AND settled_at IS NULL ${lock}`,
    [id],
  );
  return row === undefined ? undefined : toParked(row);
}

interface ParkedRow {
  readonly id: number;
  readonly queue: string;
  readonly message_id: string;
  readonly headers: string;
  readonly body: Buffer;
  readonly body_bytes: number;
  readonly reason: string;
  readonly parked_at: string;
}

function toParked(row: ParkedRow): ParkedMessage {
  const { id, queue, body, reason } = row;
  return {
    id,
    queue,
    messageId: row.message_id,
    headers: JSON.parse(row.headers),
    body,
    bodyBytes: row.body_bytes,
    reason,
    parkedAt: row.parked_at,
  };
}
