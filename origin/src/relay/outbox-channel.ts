import type { ChannelModel, ConfirmChannel } from "amqplib";
import type { Logger } from "../platform/logger.ts";
import { breakOff, connectRabbit, NotConfirmed, publishConfirmed } from "../platform/rabbit/connect.ts";
import type { OutboxRow } from "./outbox-rows.ts";

/** One confirm channel to the broker, made anew whenever it or its connection breaks. */
export interface OutboxChannel {
  isOpen(): boolean;
  /** Resolves when the broker holds the message in at least one queue. */
  send(row: OutboxRow): Promise<void>;
  close(): Promise<void>;
}

export interface OutboxChannelOptions {
  readonly url: string;
  readonly logger: Logger;
  readonly onOpen: () => void;
  /** Other than `rabbitLimits.confirmTimeoutMs`. */
  readonly confirmTimeoutMs?: number;
}

/** What belongs to one channel and ends with it. */
interface Opened {
  readonly channel: ConfirmChannel;
  /** Message ids that the broker gave back: no queue takes them. The acknowledgement comes after. */
  readonly returned: Set<string>;
  readonly exchanges: Map<string, Promise<void>>;
  readonly model: ChannelModel;
}

export async function connectOutboxChannel(options: OutboxChannelOptions): Promise<OutboxChannel> {
  let opened: Opened | undefined;

  const open = async (model: ChannelModel) => {
    const channel = await model.createConfirmChannel();
    const fresh: Opened = { channel, model, returned: new Set(), exchanges: new Map() };
    channel.on("error", () => undefined);
    channel.on("return", (message) => fresh.returned.add(String(message.properties.messageId)));
    channel.on("close", () => {
      if (opened === fresh) opened = undefined;
      // Closed alone (an exchange was deleted under it): a new connection checks everything afresh.
      model.close().catch(() => undefined);
    });
    opened = fresh;
    options.onOpen();
  };

  const rabbit = await connectRabbit({ url: options.url, logger: options.logger, onConnect: open });

  return {
    isOpen: () => opened !== undefined,
    send: async (row) => {
      if (opened === undefined) throw new Error("rabbitmq is not connected");
      const { channel, returned, model } = opened;
      await exchangeExists(opened, row.exchange);
      const content = Buffer.from(row.payload);
      const { exchange, routingKey, messageId } = row;
      try {
        await publishConfirmed(channel, exchange, routingKey, content, messageId, options.confirmTimeoutMs);
      } catch (error) {
        if (error instanceof NotConfirmed) breakOff(model, error);
        throw error;
      }
      if (returned.delete(row.messageId)) throw new Error("no queue takes this message");
    },
    close: () => rabbit.close(),
  };
}

/**
 * Asked once per exchange and connection, on a channel of its own: publishing to an exchange that does not
 * exist closes the channel, with all that others have in flight on it.
 */
function exchangeExists(opened: Opened, exchange: string): Promise<void> {
  if (exchange === "") return Promise.resolve();
  const known = opened.exchanges.get(exchange);
  if (known !== undefined) return known;
  const asking = ask(opened.model, exchange);
  opened.exchanges.set(exchange, asking);
  asking.catch(() => opened.exchanges.delete(exchange));
  return asking;
}

async function ask(model: ChannelModel, exchange: string): Promise<void> {
  const channel = await model.createChannel();
  // A "no" closes the channel, which is reported here and by the rejected call.
  channel.on("error", () => undefined);
  await channel.checkExchange(exchange);
  await channel.close();
}
