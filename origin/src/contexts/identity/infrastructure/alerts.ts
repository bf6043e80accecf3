import type { ChannelModel } from "amqplib";
import type { OutboxMessage } from "../../../platform/outbox/append.ts";
import type { Client } from "../application/client.ts";
import type { Session } from "../domain/session.ts";

/**
 * What somebody should look at. The queue keeps the latest for whoever consumes them: a mailer, a pager, a SIEM.
 * Without a consumer the oldest go first, and nothing else suffers.
 */
export const alertTopology = {
  exchange: "identity.alerts",
  queue: "identity.alerts",
  lengthMax: 10_000,
  ttlMs: 7 * 24 * 3_600_000,
} as const;

export async function declareAlerts(model: ChannelModel): Promise<void> {
  const channel = await model.createChannel();
  await channel.assertExchange(alertTopology.exchange, "topic", { durable: true });
  await channel.assertQueue(alertTopology.queue, {
    durable: true,
    arguments: {
      "x-queue-type": "quorum",
      "x-max-length": alertTopology.lengthMax,
      "x-overflow": "drop-head",
      "x-message-ttl": alertTopology.ttlMs,
    },
  });
  await channel.bindQueue(alertTopology.queue, alertTopology.exchange, "#");
  await channel.close();
}

/** A refresh token came back after its leeway. Says where from, and holds nothing that lets anybody in. */
export function reuseAlert(ended: Session, client: Client, messageId: string, nowMs: number): OutboxMessage {
  return {
    exchange: alertTopology.exchange,
    routingKey: "refresh_reused",
    messageId,
    payload: {
      kind: "refresh_reused",
      at: new Date(nowMs).toISOString(),
      userId: ended.userId,
      sessionId: ended.id,
      address: client.address,
      country: client.country,
      requestId: client.requestId,
    },
  };
}
