import type { Channel } from "amqplib";
import type { OutboxMessage } from "../../../platform/outbox/append.ts";
import { expiryLimits } from "../application/limits.ts";

/**
 * A message waits in a lane for as long as an order may be unpaid; then it falls due:
 *
 *     ordering.expiry.wait ──<ttl>s.<shard>──▶ ordering.expiry.wait.<ttl>s.<shard> ──after ttl──▶ ordering.due
 *          │ no such lane                                                                             │
 *          └───────────────────────────────────────────────────────────────▶ ordering.due ──▶ ordering.expiry.due
 *                                                             not handled ──▶ ordering.expiry.parked
 *
 * A queue lets messages expire only at its head, so each lane has one TTL, which stands in its name. Lanes of one
 * TTL share the orders by their ids. When TTL or number of shards change, new lanes are made beside the old ones,
 * which the worker retires (expiry-lane-keeper.ts). A message for a lane that is not there falls due at once: it
 * comes too early, does nothing, and the sweeper has its order.
 *
 * All are quorum queues. Dead-lettering is at-least-once only together with reject-publish; without it the
 * broker falls back silently to at-most-once.
 */
export const expiryTopology = {
  waitExchange: "ordering.expiry.wait",
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

/** The lanes of one TTL, by shard. None when orders may be unpaid for longer than a lane lasts. */
export type ExpiryLanes = readonly ExpiryLane[];

export function expiryLanes(ttlSeconds: number, shards: number): ExpiryLanes {
  if (ttlSeconds > expiryLimits.laneTtlSecondsMax) return [];
  return Array.from({ length: shards }, (_, shard) => {
    const routingKey = `${ttlSeconds}s.${shard}`;
    return { routingKey, queue: `${expiryTopology.waitExchange}.${routingKey}`, ttlMs: ttlSeconds * 1_000 };
  });
}

/** Ids end in random digits, so orders spread evenly. */
export function laneOf(lanes: ExpiryLanes, orderId: string): ExpiryLane | undefined {
  return lanes[Number.parseInt(orderId.slice(-8), 16) % lanes.length];
}

/** What travels: the order's id and nothing else. Whether it is due is decided by the order itself. */
export function expiryMessage(lane: ExpiryLane, orderId: string, messageId: string): OutboxMessage {
  return {
    exchange: expiryTopology.waitExchange,
    routingKey: lane.routingKey,
    messageId,
    subject: orderSubject(orderId),
    payload: { orderId },
  };
}

/** What messages about an order carry in the outbox, so that they are found by it. */
export function orderSubject(orderId: string): string {
  return `order:${orderId}`;
}

/** From the end to the beginning: a dead letter that finds no queue is tried again only minutes later. */
export async function declareExpiryTopology(channel: Channel, lanes: ExpiryLanes): Promise<void> {
  const { waitExchange, dueExchange, dueQueue, parkedExchange, parkedQueue } = expiryTopology;
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

  await channel.assertExchange(waitExchange, "direct", { durable: true, alternateExchange: dueExchange });
  for (const lane of lanes) {
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
    await channel.bindQueue(lane.queue, waitExchange, lane.routingKey);
  }
}

function quorum(args: Record<string, string | number>) {
  return { durable: true, arguments: { "x-queue-type": "quorum", ...args } };
}
