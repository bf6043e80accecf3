import { saleQueueKey } from "@sluice/contract/sale.ts";
import { Redis } from "ioredis";
import { redisLimits } from "../../../platform/redis/connect.ts";
import { coreLimits } from "../application/limits.ts";
import type { Queue, QueueEntry } from "../application/run-core.ts";
import type { Admitted } from "../domain/ticket.ts";
import { coreGroup } from "./admissions.ts";

/**
 * The queue of one sale, over a connection of its own, because reads block. Entries that another consumer holds for too
 * long are handed over with those that are new.
 */
export function queueOf(url: string, prefix: string, saleId: number, consumer: string): Queue {
  const key = saleQueueKey(prefix, String(saleId));
  const client = new Redis(url, {
    connectTimeout: redisLimits.connectTimeoutMs,
    commandTimeout: redisLimits.commandTimeoutMs + coreLimits.blockMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    retryStrategy: () => coreLimits.retryMs,
  });
  // Said by the reads that fail.
  client.on("error", () => undefined);

  const read = async () => {
    const found = (await client.xreadgroup(
      ...(["GROUP", coreGroup, consumer, "COUNT", coreLimits.batchMax, "BLOCK", coreLimits.blockMs] as const),
      ...(["STREAMS", key, ">"] as const),
    )) as [string, [string, string[]][]][] | null;
    return (found?.[0]?.[1] ?? []).map(([id, fields]) => entryOf(id, fields));
  };

  const makeGroup = async () => {
    try {
      await client.xgroup("CREATE", key, coreGroup, "0", "MKSTREAM");
    } catch (error) {
      if (!String(error).includes("BUSYGROUP")) throw error;
    }
  };

  /** Redis was lost, or nobody has bought yet. */
  const withGroup = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!/NOGROUP|UNBLOCKED/.test(String(error))) throw error;
      await makeGroup();
      return work();
    }
  };

  const claim = async () => {
    const { takeOverAfterMs, batchMax } = coreLimits;
    const claimed = await client.xautoclaim(
      ...([key, coreGroup, consumer, takeOverAfterMs, "0-0", "COUNT", batchMax] as const),
    );
    return claimed as [string, [string, string[] | null][]];
  };

  return {
    read: async () => {
      if (client.status === "wait") await client.connect();
      return withGroup(read);
    },
    takeOver: async () => {
      if (client.status === "wait") await client.connect();
      const [, entries] = await withGroup(claim);
      return entries.flatMap(([id, fields]) => (fields === null ? [] : [entryOf(id, fields)]));
    },
    drop: async (id) => {
      await client.multi().xack(key, coreGroup, id).xdel(key, id).exec();
    },
    close: async () => client.disconnect(),
  };
}

function entryOf(id: string, fields: readonly string[]): QueueEntry {
  const field = (name: string) => fields[fields.indexOf(name) + 1];
  return { id, fields, admitted: admittedOf(id, field("u"), field("t"), field("q"), field("a")) };
}

/** Undefined when nobody can read it. */
function admittedOf(id: string, user = "", ticket = "", quantity = "", arrived = ""): Admitted | undefined {
  const [queueMs, queueNumber] = id.split("-").map(Number) as [number, number];
  const whole = [user, quantity].every((text) => /^[1-9]\d{0,14}$/.test(text));
  if (!whole || !/^[0-9a-z]{1,11}\.[0-9a-z-]{1,40}$/.test(ticket)) return undefined;
  const arrivedAtMs = /^\d{1,14}$/.test(arrived) ? Number(arrived) : undefined;
  return {
    ...{ ticket, userId: Number(user), quantity: Number(quantity) },
    ...{ arrivedAtMs, queueMs, queueNumber },
  };
}
