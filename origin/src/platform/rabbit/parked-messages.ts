import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { Message } from "amqplib";
import type { Database, Sql } from "../mysql/database.ts";
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
} as const;

export type RetryOutcome = "sent" | "unknown" | "cut" | "not-text" | "answered";

/** What is parked under such a name came from no queue of the broker, and whoever waited for it has got an answer. */
export const answeredPrefix = "sale:";

/** Parked messages are rows, so that they can be looked at, sent again and dropped one by one. */
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
   * Hands it to the outbox, addressed to its queue, and forgets it, in one transaction. `cut` when only a part of it
   * was kept; `not-text` when it is no UTF-8, which the outbox can't hold; `answered` when there is nobody to send it to.
   */
  retry(id: number): Promise<RetryOutcome>;
  /** False when there is none. */
  drop(id: number): Promise<boolean>;
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
      const rows = await database.query<ParkedRow>("SELECT * FROM parked_messages ORDER BY id DESC LIMIT ?", [
        parkedLimits.listMax,
      ]);
      return rows.map(toParked);
    },
    find: (id) => findParked(database, id, ""),
    retry: (id) =>
      database.transaction(async (tx) => {
        const parked = await findParked(tx, id, "FOR UPDATE");
        if (parked === undefined) return "unknown";
        if (parked.queue.startsWith(answeredPrefix)) return "answered";
        if (parked.body.length < parked.bodyBytes) return "cut";
        if (!isUtf8(parked.body)) return "not-text";
        await appendToOutbox(tx, [
          {
            exchange: "",
            routingKey: parked.queue,
            messageId: randomUUID(),
            subject: `parked:${id}`,
            payload: parked.body.toString("utf8"),
          },
        ]);
        await tx.execute("DELETE FROM parked_messages WHERE id = ?", [id]);
        return "sent";
      }),
    drop: async (id) => {
      const { affectedRows } = await database.execute("DELETE FROM parked_messages WHERE id = ?", [id]);
      return affectedRows === 1;
    },
  };
}

async function findParked(sql: Sql, id: number, lock: "" | "FOR UPDATE"): Promise<ParkedMessage | undefined> {
  const [row] = await sql.query<ParkedRow>(`SELECT * FROM parked_messages WHERE id = ? ${lock}`, [id]);
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
