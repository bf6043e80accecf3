import { Redis } from "ioredis";
import type { Logger } from "../logger.ts";
import { repeat } from "../repeat.ts";
import { redisLimits } from "./connect.ts";

export const followLimits = {
  /** How long one read waits for entries. Less than the time after which its connection is given up. */
  blockMs: 1_000,
  commandTimeoutMs: 5_000,
  /** Entries of one read. */
  readMax: 1_000,
  /** Before the next try after one that failed. */
  retryMs: 250,
} as const;

export interface StreamFollower {
  close(): Promise<void>;
}

export interface StreamFollowerOptions {
  readonly url: string;
  /** The whole name, with its prefix. */
  readonly key: string;
  /** Its values are told; an entry may have several such fields. */
  readonly field: string;
  readonly onValues: (values: readonly string[]) => void;
  readonly logger: Logger;
}

/**
 * Follows a stream from its end on, over a connection of its own, because reads block. It is a source of hints:
 * what is added while Redis is away, or cut off before it was read, is not told, so whoever listens looks for
 * itself now and then.
 */
export function followStream({ url, key, field, onValues, logger }: StreamFollowerOptions): StreamFollower {
  const client = new Redis(url, {
    connectTimeout: redisLimits.connectTimeoutMs,
    commandTimeout: followLimits.commandTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => followLimits.retryMs,
  });
  // Said by the reads that fail.
  client.on("error", () => undefined);
  let after = "$";
  let connected = false;
  client.once("ready", () => {
    connected = true;
  });

  const read = async () => {
    // At the start it is no trouble yet.
    if (!connected) return;
    if (client.status !== "ready") throw new Error(`redis is ${client.status}`);
    if (after === "$") after = await lastId(client, key);
    const { readMax, blockMs } = followLimits;
    const found = await client.xread("COUNT", readMax, "BLOCK", blockMs, "STREAMS", key, after);
    const entries = found?.[0]?.[1] ?? [];
    const last = entries.at(-1);
    if (last === undefined) return;
    after = last[0];
    onValues(entries.flatMap(([, fields]) => valuesOf(fields, field)));
  };

  let failed = false;
  let closing = false;
  const reading = repeat(
    `follow ${key}`,
    () => (failed || !connected ? followLimits.retryMs : 0),
    async () => {
      failed = true;
      await read().catch((error: unknown) => {
        // A read that its own end interrupts is no trouble.
        if (!closing) throw error;
      });
      failed = false;
    },
    logger,
  );
  return {
    close: async () => {
      closing = true;
      client.disconnect();
      await reading.close();
    },
  };
}

async function lastId(client: Redis, key: string): Promise<string> {
  const [last] = await client.xrevrange(key, "+", "-", "COUNT", 1);
  return last?.[0] ?? "0-0";
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_value, index) => index % 2 === 1 && fields[index - 1] === name);
}
