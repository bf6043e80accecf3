import { readFileSync } from "node:fs";
import { SALE_BUCKETS, saleBucketKey, saleQueueKey, saleStateKey } from "@sluice/contract/sale.ts";
import { Redis } from "ioredis";

/** No sale has that id: nobody takes these tickets off the queue. */
const SALE = "999999999";
const PER_PIPELINE = 2_000;

/** What Redis takes for each ticket, bytes: while it waits, with its place in the queue, and by a key for each ticket. */
export interface TicketMemory {
  waiting: number;
  keyEach: number;
}

/** Admits so many buyers, by the script that the edge runs. */
export async function measureTicketMemory(redisUrl: string, tickets: number): Promise<TicketMemory> {
  const redis = new Redis(redisUrl);
  try {
    const script = readFileSync(new URL("../../../contract/src/sales/admit.lua", import.meta.url), "utf8");
    const sha = String(await redis.script("LOAD", script));
    const state = saleStateKey("", SALE);
    await redis.hset(state, "granted", tickets, "taken", 0, "version", 1, "admits", 0);
    const queue = saleQueueKey("", SALE);
    const until = String(Date.now() + 3_600_000);
    const waiting = await perTicket(redis, tickets, (pipeline, n) => {
      const args = [String(n + 1), `m4k2j8x1.abcdefg-${n.toString(36)}`, "1", "1", "1000000000"];
      const keys = [state, saleBucketKey("", SALE, n + 1), queue];
      pipeline.evalsha(sha, 3, ...keys, ...args, String(Date.now()), until, "1", "50", String(tickets));
    });
    if ((await redis.xlen(queue)) !== tickets) throw new Error("not everybody was admitted");
    await redis.unlink(state, queue, ...buckets());
    const keyEach = await perTicket(redis, tickets, (pipeline, n) => {
      pipeline.set(`{sale:${SALE}}:ticket:m4k2j8x1.abcdefg-${n.toString(36)}`, "w", "PX", 3_600_000);
      pipeline.set(`{sale:${SALE}}:user:${n + 1}`, "1", "PX", 3_600_000);
      pipeline.xadd(
        queue,
        "*",
        "u",
        n + 1,
        "t",
        `m4k2j8x1.abcdefg-${n.toString(36)}`,
        "q",
        1,
        "a",
        Date.now(),
      );
    });
    return { waiting, keyEach };
  } finally {
    redis.disconnect();
  }
}

async function perTicket(
  redis: Redis,
  tickets: number,
  add: (pipeline: ReturnType<Redis["pipeline"]>, n: number) => void,
): Promise<number> {
  const before = await usedBytes(redis);
  for (let start = 0; start < tickets; start += PER_PIPELINE) {
    const pipeline = redis.pipeline();
    for (let n = start; n < Math.min(tickets, start + PER_PIPELINE); n++) add(pipeline, n);
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
  }
  return ((await usedBytes(redis)) - before) / tickets;
}

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/\r\nused_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
}

function buckets(): string[] {
  return Array.from({ length: SALE_BUCKETS }, (_, n) => saleBucketKey("", SALE, n));
}
