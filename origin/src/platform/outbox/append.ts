import type { Transaction } from "../mysql/database.ts";

/** A message that is published if, and only if, the transaction commits. */
export interface OutboxMessage {
  readonly exchange: string;
  readonly routingKey: string;
  /** Identifies the message to idempotent consumers: delivery is at least once. */
  readonly messageId: string;
  /** Of one that goes out again under its id: how often it does; 1 without it. */
  readonly sending?: number;
  /** What it is about (`order:<id>`), by which it is found later. */
  readonly subject?: string;
  /** Sent as JSON; text is sent as it stands. */
  readonly payload: object | string;
}

/** Adds messages to the transaction's own commit. The relay publishes them; nothing else does. */
export async function appendToOutbox(tx: Transaction, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.execute(
    "INSERT INTO outbox (exchange, routing_key, message_id, sending, subject, payload) VALUES ?",
    [
      messages.map((message) => [
        message.exchange,
        message.routingKey,
        message.messageId,
        message.sending ?? 1,
        message.subject ?? null,
        typeof message.payload === "string" ? message.payload : JSON.stringify(message.payload),
      ]),
    ],
  );
}
