import type { Duplex } from "node:stream";
import { type ChannelModel, type ConfirmChannel, connect, type RecoveringChannelModel } from "amqplib";
import type { Logger } from "../logger.ts";

/**
 * One recovering connection. amqplib reconnects it; channels are not brought back, so whoever uses one makes
 * it anew in `onConnect`, which runs after every connect. A channel that closes by itself (404, 406, ack
 * timeout) and a consumer that the broker cancels (null message) are the owner's to handle.
 */
export interface Rabbit {
  readonly connection: RecoveringChannelModel;
  isUp(): boolean;
  close(): Promise<void>;
}

export interface RabbitOptions {
  readonly url: string;
  readonly logger: Logger;
  /** Declares topology and starts consumers. A throw counts as a failed connect and is tried again. */
  readonly onConnect?: (model: ChannelModel) => Promise<void>;
}

export const rabbitLimits = {
  connectTimeoutMs: 3_000,
  heartbeatSeconds: 10,
  reconnectDelayMs: 100,
  reconnectDelayMaxMs: 2_000,
  closeTimeoutMs: 3_000,
  /** A broker that is short of memory or disk takes messages and says nothing, while its heartbeats go on. */
  confirmTimeoutMs: 15_000,
} as const;

/** Returns at once, connected or not: the broker may be down when a process starts. */
export async function connectRabbit({ url, logger, onConnect }: RabbitOptions): Promise<Rabbit> {
  const connection = await connect(withHeartbeat(url), {
    timeout: rabbitLimits.connectTimeoutMs,
    recovery: {
      initialDelay: rabbitLimits.reconnectDelayMs,
      maxDelay: rabbitLimits.reconnectDelayMaxMs,
      waitForConnect: false,
      setup: onConnect ?? (async () => undefined),
    },
  });
  let up = false;
  let said = false;
  connection.on("connect", () => {
    if (said) logger.info("rabbitmq is reachable again");
    up = true;
    said = false;
  });
  const down = (error: Error | undefined) => {
    up = false;
    if (!said) logger.warn({ err: error?.message }, "rabbitmq is not reachable");
    said = true;
  };
  connection.on("disconnect", down);
  connection.on("connect-failed", down);
  connection.on("error", () => undefined);
  return { connection, isUp: () => up, close: () => closeWithin(connection, rabbitLimits.closeTimeoutMs) };
}

/** It is not known whether the broker has the message. */
export class NotConfirmed extends Error {}

/**
 * Publishes one persistent message and waits until the broker has it on a quorum. `mandatory`: what no queue
 * takes is returned first and acknowledged after, so the owner of the channel listens to "return". Without an answer in
 * time it fails; whether the broker has it nobody knows then, so it has to be harmless to send it again.
 */
export function publishConfirmed(
  channel: ConfirmChannel,
  exchange: string,
  routingKey: string,
  content: Buffer,
  messageId: string,
  timeoutMs: number = rabbitLimits.confirmTimeoutMs,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new NotConfirmed("the broker has not confirmed it in time")),
      timeoutMs,
    );
    const options = { persistent: true, mandatory: true, messageId, contentType: "application/json" };
    channel.publish(exchange, routingKey, content, options, (error) => {
      clearTimeout(timer);
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

/**
 * Breaks a connection off without a word: one to a broker that reads nothing could not be closed otherwise, and what was
 * written to it would wait in memory. Its owner connects again.
 */
export function breakOff(model: ChannelModel, reason: Error): void {
  const { stream } = model.connection as unknown as { stream: Duplex };
  stream.destroy(reason);
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has("heartbeat")) {
    parsed.searchParams.set("heartbeat", String(rabbitLimits.heartbeatSeconds));
  }
  return parsed.toString();
}

/** A broker that does not answer must not keep a process from ending. */
async function closeWithin(connection: RecoveringChannelModel, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([connection.close().catch(() => undefined), timeout]);
  clearTimeout(timer);
}
