import type { ChannelModel } from "amqplib";
import type { Clock } from "../../../kernel/clock.ts";
import type { ParkedMessages } from "../../../platform/rabbit/parked-messages.ts";
import { expiryLimits } from "../application/limits.ts";
import { expiryTopology } from "./expiry-lanes.ts";

/**
 * Takes what the broker has parked (rejected while MySQL was away, or delivered too often) into the database, where
 * it can be looked at. Acknowledged when its row is there: a crash between leaves two rows, never none.
 */
export async function collectParked(
  model: ChannelModel,
  parked: ParkedMessages,
  clock: Clock,
): Promise<void> {
  const channel = await model.createChannel();
  // Whatever fails closes the channel, and the next round begins anew.
  channel.on("error", () => undefined);
  try {
    for (let taken = 0; taken < expiryLimits.parkBatchMax; taken++) {
      const message = await channel.get(expiryTopology.parkedQueue);
      if (message === false) return;
      const reason = `the broker parked it: ${message.properties.headers?.["x-first-death-reason"] ?? "unknown"}`;
      await parked.park(expiryTopology.dueQueue, message, reason, clock());
      channel.ack(message);
    }
  } finally {
    await channel.close().catch(() => undefined);
  }
}
