import type { ChannelModel } from "amqplib";
import type { OutboxMessage } from "../../../platform/outbox/append.ts";
import { paymentLimits } from "../application/limits.ts";
import type { PaymentAlert } from "../application/ports.ts";
import { orderSubject } from "./expiry-lanes.ts";

/**
 * What somebody should look at, although it is in hand already. The queue keeps the latest for whoever consumes them;
 * without a consumer the oldest go first, and nothing else suffers.
 */
export const paymentAlertTopology = { exchange: "ordering.alerts", queue: "ordering.alerts" } as const;

export async function declarePaymentAlerts(model: ChannelModel): Promise<void> {
  const { exchange, queue } = paymentAlertTopology;
  const channel = await model.createChannel();
  await channel.assertExchange(exchange, "topic", { durable: true });
  await channel.assertQueue(queue, {
    durable: true,
    arguments: {
      "x-queue-type": "quorum",
      "x-max-length": paymentLimits.alertsMax,
      "x-overflow": "drop-head",
      "x-message-ttl": paymentLimits.alertsKeptMs,
    },
  });
  await channel.bindQueue(queue, exchange, "#");
  await channel.close();
}

export function alertMessage({ kind, atMs, messageId, ...about }: PaymentAlert): OutboxMessage {
  return {
    exchange: paymentAlertTopology.exchange,
    routingKey: kind,
    messageId,
    subject: orderSubject(about.orderId),
    payload: { kind, at: new Date(atMs).toISOString(), ...about },
  };
}
