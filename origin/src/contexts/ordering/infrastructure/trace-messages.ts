import type { Database } from "../../../platform/mysql/database.ts";
import { orderSubject } from "./expiry-lanes.ts";
import type { TraceEvent } from "./trace-event.ts";

/**
 * What became of the messages about an order: from the outbox to the broker and to the receipt, or into the parking lot
 * and out of it again. One that is sent again has its id still, so all of it is one story.
 */
export async function messagesOf(database: Database, orderId: string): Promise<TraceEvent[]> {
  const sent = await database.query<SentRow>("SELECT * FROM outbox WHERE subject = ? ORDER BY id", [
    orderSubject(orderId),
  ]);
  // A message that nobody could read is known by the order that its text names.
  const parked = await database.query<ParkedRow>(
    `SELECT id, message_id, reason, parked_at, settled_at, settlement FROM parked_messages
     WHERE INSTR(body, ?) > 0 ORDER BY id`,
    [orderId],
  );
  const receipts = await receiptsOf(database, [...new Set(sent.map((row) => row.message_id))]);
  const lastSending = new Map(sent.map((row) => [row.message_id, row.id]));
  const over = new Set([
    ...receipts.map((row) => row.message_id),
    ...parked.filter((row) => row.settlement !== "sent-again").map((row) => row.message_id),
  ]);
  return [
    ...sent.flatMap((row) => {
      const waits = lastSending.get(row.message_id) === row.id && !over.has(row.message_id);
      return eventsOfSending(row, waits);
    }),
    ...parked.flatMap(eventsOfParking),
    ...receipts.map(eventOfReceipt),
  ];
}

async function receiptsOf(database: Database, messageIds: readonly string[]): Promise<ReceiptRow[]> {
  if (messageIds.length === 0) return [];
  return database.query<ReceiptRow>("SELECT * FROM expiry_receipts WHERE message_id IN (?)", [messageIds]);
}

function eventsOfSending(row: SentRow, waits: boolean): TraceEvent[] {
  const { message_id: id } = row;
  const to = `${row.exchange} ${row.routing_key}`.trimStart();
  const again = row.sending === 1 ? "" : `, for the ${row.sending}. time`;
  const where = row.published_at === null ? "; waits in the outbox" : "; waits with the broker";
  const events = [message(row.created_at, `${id} written for ${to}${again}${waits ? where : ""}`)];
  if (row.failed_at !== null) {
    const text = `${id} not taken by the broker, ${row.failures} times; last: ${row.failure}`;
    events.push(message(row.failed_at, text));
  }
  if (row.published_at !== null) events.push(message(row.published_at, `${id} confirmed by the broker`));
  return events;
}

function eventsOfParking({ id, ...row }: ParkedRow): TraceEvent[] {
  const name = row.message_id === "" ? "a message without an id" : row.message_id;
  const events = [message(row.parked_at, `${name} parked as ${id}: ${row.reason}`)];
  if (row.settled_at !== null) {
    const became = row.settlement === "dropped" ? "dropped" : "sent again";
    events.push(message(row.settled_at, `${name} ${became}, which was parked as ${id}`));
  }
  return events;
}

function eventOfReceipt({ message_id: id, outcome, deliveries, received_at }: ReceiptRow): TraceEvent {
  const times = deliveries === 1 ? "" : `, delivered ${deliveries} times`;
  return message(received_at, `${id} received: ${outcome}${times}`);
}

function message(at: string, text: string): TraceEvent {
  return { at, kind: "message", text };
}

interface SentRow {
  readonly id: number;
  readonly message_id: string;
  readonly sending: number;
  readonly exchange: string;
  readonly routing_key: string;
  readonly created_at: string;
  readonly published_at: string | null;
  readonly failures: number;
  readonly failure: string | null;
  readonly failed_at: string | null;
}

interface ReceiptRow {
  readonly message_id: string;
  readonly outcome: string;
  readonly deliveries: number;
  readonly received_at: string;
}

interface ParkedRow {
  readonly id: number;
  readonly message_id: string;
  readonly reason: string;
  readonly parked_at: string;
  readonly settled_at: string | null;
  readonly settlement: "sent-again" | "dropped" | null;
}
