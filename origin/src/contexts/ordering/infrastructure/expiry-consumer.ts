import { setTimeout as delay } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import { Refusal } from "../../../kernel/errors.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { ExpireOrders } from "../application/expire-orders.ts";
import { expiryLimits } from "../application/limits.ts";
import { declareExpiryTopology, type ExpiryLane, expiryTopology } from "./expiry-lanes.ts";

export interface ExpiryConsumer {
  /** Declares the queues and consumes, after each connect. */
  onConnect(model: ChannelModel): Promise<void>;
  /** Takes no more messages and finishes those in hand; the broker keeps the rest. */
  close(): Promise<void>;
}

/**
 * The fast path of expiry. A message only says which order to look at now; the sweeper finds every order
 * without it. Hence what happens to a message:
 *
 * - it names an order: acknowledged, whether the order expired, was paid, is not due yet (a lane of another
 *   length, a clock that differs) or is being paid in this moment; the sweeper has what is left
 * - MySQL is away: acknowledged too; redelivering would only run into the same wall, and the sweeper finds
 *   all of them within a second of its return
 * - nobody can read it, or it makes our code fail: rejected, and parked by the broker with the reason
 *
 * Messages are gathered for some milliseconds and expired in one transaction: when thousands fall due at
 * once, commits are what costs.
 */
export function expiryConsumer({
  expire,
  lane,
  logger,
}: {
  expire: ExpireOrders;
  lane: ExpiryLane;
  logger: Logger;
}): ExpiryConsumer {
  let closing = false;
  let current: { channel: Channel; consumerTag: string } | undefined;
  const inHand = new Set<Promise<void>>();

  const handle = async (channel: Channel, batch: readonly ConsumeMessage[]) => {
    const readable = new Map<ConsumeMessage, string>();
    for (const message of batch) {
      const orderId = orderIdOf(message);
      if (orderId === undefined) park(channel, message, "it names no order");
      else readable.set(message, orderId);
    }
    const failed = new Map<string, unknown>();
    try {
      const failures = await expire.named([...new Set(readable.values())]);
      for (const { orderId, error } of failures) failed.set(orderId, error);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      logger.warn({ err: error.message }, "expiry is left to the sweeper");
    }
    for (const [message, orderId] of readable) {
      if (failed.has(orderId)) park(channel, message, String(failed.get(orderId)));
      else settle(() => channel.ack(message));
    }
  };

  const park = (channel: Channel, message: ConsumeMessage, reason: string) => {
    logger.error({ messageId: message.properties.messageId, reason }, "an expiry message is parked");
    settle(() => channel.nack(message, false, false));
  };

  const consume = async (model: ChannelModel): Promise<void> => {
    const channel = await model.createChannel();
    const again = once(() => {
      current = undefined;
      if (!closing) restartLater(model);
    });
    channel.on("error", (error: Error) => logger.warn({ err: error.message }, "the expiry channel failed"));
    channel.on("close", again);
    await declareExpiryTopology(channel, lane);
    await channel.prefetch(expiryLimits.prefetch);
    const gather = gatherer((batch) => {
      const handled = handle(channel, batch)
        .catch((error: Error) => logger.error({ err: error }, "expiry failed, its messages come again"))
        .finally(() => inHand.delete(handled));
      inHand.add(handled);
    });
    const { consumerTag } = await channel.consume(expiryTopology.dueQueue, (message) => {
      if (message !== null) return gather(message);
      // The broker cancelled the consumer: its queue was deleted, or moved.
      logger.warn("the broker cancelled the expiry consumer");
      channel.close().catch(again);
    });
    current = { channel, consumerTag };
  };

  /** The connection is whole, the channel is not. A connection that is lost calls `onConnect` again. */
  const restartLater = (model: ChannelModel) => {
    const restart = () => {
      model.off("close", cancel);
      if (closing || current !== undefined) return;
      consume(model).catch((error: Error) => logger.warn({ err: error.message }, "expiry cannot consume"));
    };
    const timer = setTimeout(restart, expiryLimits.consumerRestartMs).unref();
    const cancel = () => clearTimeout(timer);
    model.once("close", cancel);
  };

  return {
    onConnect: consume,
    close: async () => {
      closing = true;
      const held = current;
      // A broker that hangs answers nothing, and must not keep the worker from ending.
      if (held !== undefined) await within(async () => void (await held.channel.cancel(held.consumerTag)));
      // What was gathered is handed on within `gatherMs`; what was handed on is finished.
      await delay(expiryLimits.gatherMs * 2);
      await Promise.allSettled(inHand);
      if (held !== undefined) await within(async () => held.channel.close());
    },
  };
}

/** Waits until it is done, has failed, or has taken too long. */
async function within(work: () => Promise<void>): Promise<void> {
  const tooLong = new AbortController();
  await Promise.race([
    work().catch(() => undefined),
    delay(expiryLimits.closeTimeoutMs, undefined, { signal: tooLong.signal }).catch(() => undefined),
  ]);
  tooLong.abort();
}

/** Hands messages on together: when there are enough, or `gatherMs` after the first. */
function gatherer(handOn: (batch: ConsumeMessage[]) => void): (message: ConsumeMessage) => void {
  let batch: ConsumeMessage[] = [];
  const flush = () => {
    if (batch.length === 0) return;
    const full = batch;
    batch = [];
    handOn(full);
  };
  return (message) => {
    batch.push(message);
    if (batch.length >= expiryLimits.batchMax) flush();
    else if (batch.length === 1) setTimeout(flush, expiryLimits.gatherMs);
  };
}

function orderIdOf(message: ConsumeMessage): string | undefined {
  try {
    const payload: unknown = JSON.parse(message.content.toString("utf8"));
    if (typeof payload !== "object" || payload === null || !("orderId" in payload)) return undefined;
    const { orderId } = payload;
    return typeof orderId === "string" && /^[0-9a-f-]{36}$/.test(orderId) ? orderId : undefined;
  } catch {
    return undefined;
  }
}

/** A channel that closed meanwhile throws; its messages are delivered again to whoever consumes next. */
function settle(answer: () => void): void {
  try {
    answer();
  } catch (error) {
    if ((error as Error).name !== "IllegalOperationError") throw error;
  }
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
