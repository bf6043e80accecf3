import { setTimeout as delay } from "node:timers/promises";
import type { OutboxChannel } from "./outbox-channel.ts";
import type { OutboxRow, OutboxRows } from "./outbox-rows.ts";

/** Keeps a bounded number of messages in flight: a confirm takes a round trip and an fsync of the broker. */
export interface OutboxSender {
  /** Sends what is waiting, as far as the bound allows; the rest follows as confirms come in. */
  pump(): void;
  /** Sends nothing more, and waits at most `timeoutMs` for what is in flight. */
  drain(timeoutMs: number): Promise<void>;
}

const inFlightMax = 500;

export function outboxSender(
  channel: OutboxChannel,
  rows: OutboxRows,
  onFailure: (row: OutboxRow, error: Error) => void,
): OutboxSender {
  const inFlight = new Set<Promise<void>>();
  let draining = false;

  const send = async (row: OutboxRow) => {
    try {
      await channel.send(row);
      rows.acknowledge(row.id);
    } catch (error) {
      rows.forget(row.id);
      onFailure(row, error as Error);
    }
  };

  const pump = () => {
    while (channel.isOpen() && !draining && inFlight.size < inFlightMax) {
      const row = rows.next();
      if (row === undefined) return;
      const sending: Promise<void> = send(row).finally(() => {
        inFlight.delete(sending);
        pump();
      });
      inFlight.add(sending);
    }
  };

  return {
    pump,
    drain: async (timeoutMs) => {
      draining = true;
      const bound = new AbortController();
      const timeout = delay(timeoutMs, undefined, { signal: bound.signal }).catch(() => undefined);
      await Promise.race([Promise.all(inFlight), timeout]);
      bound.abort();
    },
  };
}
