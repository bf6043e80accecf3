import type { Channel } from "amqplib";
import type { OutboxMessage } from "../../../platform/outbox/append.ts";
import { expiryLimits } from "../application/limits.ts";

/**
 * A message waits in a lane for as long as an order may be unpaid; then it falls due:
 *
 *     ordering.delay ──<ttl>──▶ ordering.expiry.delay.<ttl>s ──after ttl──▶ ordering.due ──▶ ordering.expiry.due
 *                                                                              unreadable ──▶ ordering.expiry.parked
 *
 * A queue lets messages expire only at its head, so each lane has one TTL, which stands in its name. When the
 * configured TTL changes, a new lane is made beside the old one, which goes on until it is empty.
 *
 * All are quorum queues. Dead-lettering is at-least-once only together with reject-publish; without it the
 * broker falls back silently to at-most-once.
 */
export const expiryTopology = {
  delayExchange: "ordering.delay",
  dueExchange: "ordering.due",
  dueQueue: "ordering.expiry.due",
  parkedExchange: "ordering.parked",
  parkedQueue: "ordering.expiry.parked",
} as const;

export interface ExpiryLane {
  readonly routingKey: string;
  readonly queue: string;
  readonly ttlMs: number;
}

export function expiryLane(ttlSeconds: number): ExpiryLane {
  return {
    routingKey: `${ttlSeconds}s`,
    queue: `ordering.expiry.delay.${ttlSeconds}s`,
    ttlMs: ttlSeconds * 1_000,
  };
}

/** What travels: the order's id and nothing else. Whether it is due is decided by the order itself. */
export function expiryMessage(lane: ExpiryLane, orderId: string, messageId: string): OutboxMessage {
  return {
    exchange: expiryTopology.delayExchange,
    routingKey: lane.routingKey,
    messageId,
    payload: { orderId },
  };
}

/** From the end to the beginning: a dead letter that finds no queue is tried again only minutes later. */
export async function declareExpiryTopology(channel: Channel, lane: ExpiryLane): Promise<void> {
  const { delayExchange, dueExchange, dueQueue, parkedExchange, parkedQueue } = expiryTopology;
  await channel.assertExchange(parkedExchange, "fanout", { durable: true });
  await channel.assertQueue(parkedQueue, quorum({ "x-max-length": expiryLimits.parkedLengthMax }));
  await channel.bindQueue(parkedQueue, parkedExchange, "");

  await channel.assertExchange(dueExchange, "fanout", { durable: true });
  await channel.assertQueue(
    dueQueue,
    quorum({
      "x-dead-letter-exchange": parkedExchange,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      "x-max-length": expiryLimits.dueLengthMax,
      "x-delivery-limit": expiryLimits.deliveriesMax,
    }),
  );
  await channel.bindQueue(dueQueue, dueExchange, "");

  await channel.assertExchange(delayExchange, "direct", { durable: true });
  await channel.assertQueue(
    lane.queue,
    quorum({
      "x-message-ttl": lane.ttlMs,
      "x-dead-letter-exchange": dueExchange,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      "x-max-length": expiryLimits.laneLengthMax,
    }),
  );
  await channel.bindQueue(lane.queue, delayExchange, lane.routingKey);
}

function quorum(args: Record<string, string | number>) {
  return { durable: true, arguments: { "x-queue-type": "quorum", ...args } };
}
