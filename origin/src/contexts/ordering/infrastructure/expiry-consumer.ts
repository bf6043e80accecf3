import { setTimeout as delay } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { type GroupLimits, groupCommit } from "../../../kernel/group-commit.ts";
import { isUuid } from "../../../kernel/ids.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { ParkedMessages } from "../../../platform/rabbit/parked-messages.ts";
import type { ExpireOrders } from "../application/expire-orders.ts";
import { expiryLimits } from "../application/limits.ts";
import type { Reminder } from "../application/ports.ts";
import { orderingErrors } from "../errors.ts";
import { declareExpiryTopology, type ExpiryLanes, expiryTopology } from "./expiry-lanes.ts";

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
 * - MySQL is away: held, and tried again until MySQL is back; giving it back would burn through its delivery
 *   limit, and the broker keeps all the others meanwhile
 * - nobody can read it, or it makes our code fail: parked with the reason; by the broker when MySQL is away
 *
 * What comes while orders are being expired is gathered into the next transaction. A transaction for each message would
 * meet the others at the rows of buyers and stock, and wait there for the commits of all before it: with a disk that is
 * slow for a moment, they would come in faster than they are done.
 */
export function expiryConsumer(deps: {
  expire: ExpireOrders;
  lanes: ExpiryLanes;
  parked: ParkedMessages;
  clock: Clock;
  logger: Logger;
}): ExpiryConsumer {
  const { expire, lanes, parked, clock, logger } = deps;
  let closing = false;
  let current: { channel: Channel; consumerTag: string } | undefined;
  const inHand = new Set<Promise<unknown>>();

  const handle = async (channel: Channel, batch: readonly ConsumeMessage[]) => {
    const readable: { message: ConsumeMessage; orderId: string; messageId: string | undefined }[] = [];
    for (const message of batch) {
      const orderId = orderIdOf(message);
      if (orderId === undefined) await park(channel, message, "it names no order");
      else readable.push({ message, orderId, messageId: messageIdOf(message) });
    }
    const failed = new Map<string, unknown>();
    while (!(await tried(readable, failed))) {
      await delay(expiryLimits.consumerRestartMs);
      // They come again, to whoever consumes next.
      if (closing || current?.channel !== channel) return;
    }
    for (const { message, orderId } of readable) {
      if (failed.has(orderId)) await park(channel, message, String(failed.get(orderId)));
      else settle(() => channel.ack(message));
    }
  };

  /** False while the database is away. */
  const tried = async (reminders: readonly Reminder[], failed: Map<string, unknown>): Promise<boolean> => {
    try {
      for (const { orderId, error } of await expire.reminded(reminders)) failed.set(orderId, error);
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      logger.warn({ err: error.message }, "expiry messages wait for the database");
      return false;
    }
  };

  const park = async (channel: Channel, message: ConsumeMessage, reason: string) => {
    logger.error({ messageId: message.properties.messageId, reason }, "an expiry message is parked");
    try {
      await parked.park(expiryTopology.dueQueue, message, reason, clock());
      settle(() => channel.ack(message));
    } catch (error) {
      logger.warn({ err: (error as Error).message }, "the broker has to park it");
      settle(() => channel.nack(message, false, false));
    }
  };

  const consume = async (model: ChannelModel): Promise<void> => {
    const channel = await model.createChannel();
    const again = once(() => {
      current = undefined;
      if (!closing) restartLater(model);
    });
    channel.on("error", (error: Error) => logger.warn({ err: error.message }, "the expiry channel failed"));
    channel.on("close", again);
    await declareExpiryTopology(channel, lanes);
    await channel.prefetch(expiryLimits.prefetch);
    const together = groupCommit<ConsumeMessage, undefined>(async (batch) => {
      // The broker keeps what was not begun.
      if (!closing) await handle(channel, batch);
      return batch.map(() => undefined);
    }, togetherLimits);
    const take = (message: ConsumeMessage) => {
      const handled: Promise<unknown> = together(message)
        .catch((error: Error) => logger.error({ err: error }, "expiry failed, its message comes again"))
        .finally(() => inHand.delete(handled));
      inHand.add(handled);
    };
    const { consumerTag } = await channel.consume(expiryTopology.dueQueue, (message) => {
      if (message !== null) return take(message);
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
      await Promise.allSettled(inHand);
      if (held !== undefined) await within(async () => held.channel.close());
    },
  };
}

const togetherLimits: GroupLimits = {
  batchMax: expiryLimits.batchMax,
  runningMax: expiryLimits.expiringMax,
  patienceMs: expiryLimits.expiringPatienceMs,
  // The broker sends no more than these, so none is refused.
  waitingMax: expiryLimits.prefetch,
  crowded: orderingErrors.crowded,
};

/** Waits until it is done, has failed, or has taken too long. */
async function within(work: () => Promise<void>): Promise<void> {
  const tooLong = new AbortController();
  await Promise.race([
    work().catch(() => undefined),
    delay(expiryLimits.closeTimeoutMs, undefined, { signal: tooLong.signal }).catch(() => undefined),
  ]);
  tooLong.abort();
}

function orderIdOf(message: ConsumeMessage): string | undefined {
  try {
    const payload: unknown = JSON.parse(message.content.toString("utf8"));
    if (typeof payload !== "object" || payload === null || !("orderId" in payload)) return undefined;
    const { orderId } = payload;
    return typeof orderId === "string" && isUuid(orderId) ? orderId : undefined;
  } catch {
    return undefined;
  }
}

function messageIdOf({ properties }: ConsumeMessage): string | undefined {
  const id: unknown = properties.messageId;
  return typeof id === "string" && isUuid(id) ? id : undefined;
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
