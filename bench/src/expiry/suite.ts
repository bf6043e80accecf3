/**
 * How late unpaid orders expire when very many fall due within seconds, while other orders go on.
 *
 * Both sides get the same: orders are written at one pace, and fall due at that pace when their time has come, faster
 * than they can be expired one by one. Sluice expires them as in production: outbox, relay, delay lanes, worker,
 * sweeper. BullMQ has a delayed job for each (bullmq-worker.ts), in the same Redis, and does the same work in tables
 * of the same form, in a database beside it on the same server. Meanwhile a few connections order through the edge
 * of Sluice, during both. They are measured one after the other.
 *
 * Late is from an order's time to the moment at which the transaction that expired it began. None may expire too
 * early, none may be left; the audit must find nothing. The last row is Sluice once more, with its worker killed by
 * SIGKILL when half of the orders have expired.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { type Connection, createConnection } from "mysql2/promise";
import { openBareShop, putOnSale } from "../orders/bare-shop.ts";
import { gatherCrowd, order } from "../orders/crowd.ts";
import type { Measurement, Suite, SuiteOptions } from "../suite.ts";
import { startWholeSystem, type WholeSystem } from "../whole-system.ts";
import { firstUserId, type Pace, writePending } from "./pending.ts";

export const expirySuite: Suite = {
  name: "expiry",
  summary: "orders that fall due by the thousand, beside BullMQ delayed jobs: lateness p50, p99, max",
  run: measure,
};

const FULL: Pace = { orders: 100_000, ordersPerSecond: 5_000, ttlSeconds: 40 };
const QUICK: Pace = { orders: 4_000, ordersPerSecond: 1_000, ttlSeconds: 15 };

const products = 100;
const crowdConnections = 4;
const bullmqConcurrency = 64;
/** Longer than anybody should take for all of them. */
const drainedWithinMs = 900_000;
const REFERENCE = "BullMQ delayed jobs";

async function measure({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-expiry-"));
  progress("starting the whole system");
  const system = await startWholeSystem({
    ORDER_TTL_SECONDS: String(plan.ttlSeconds),
    ORDER_UNPAID_MAX: "1000000",
  });
  try {
    const productIds = await putOnSale(system, products);
    const crowd = await gatherCrowd(system.edgeUrl, folder, 4);
    const bareUrl = await openBareShop(system, productIds);
    const whileOrdersGoOn = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      let done = false;
      const working = work().finally(() => {
        done = true;
      });
      for (let run = 1; !done; run++) await order(crowd, `${name}-${run}`, productIds, 2, crowdConnections);
      return working;
    };
    progress(`${plan.orders} orders expire by BullMQ`);
    const bullmq = await whileOrdersGoOn("bullmq", () => runBullmq(system, bareUrl, productIds, plan));
    progress(`${plan.orders} orders expire by Sluice`);
    const sluice = await whileOrdersGoOn("sluice", () => runSluice(system, productIds, plan));
    progress(`${plan.orders} orders expire by Sluice, whose worker is killed`);
    const survived = await whileOrdersGoOn("killed", () => runSluice(system, productIds, plan, "kill"));
    progress("auditing");
    await system.auditIsClean();
    return [
      ...rows(REFERENCE, bullmq, bullmq),
      ...rows("Sluice", sluice, bullmq),
      ...rows("Sluice, worker killed", survived, bullmq),
    ];
  } finally {
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds, ascending. */
type Latenesses = readonly number[];

async function runBullmq(
  system: WholeSystem,
  bareUrl: string,
  productIds: readonly number[],
  pace: Pace,
): Promise<Latenesses> {
  const redisUrl = system.origin.REDIS_URL as string;
  const prefix = "bench-bullmq";
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue("expiry", { connection, prefix });
  const args = [redisUrl, prefix, bareUrl, String(bullmqConcurrency)];
  const worker = spawn(process.execPath, [join(import.meta.dirname, "bullmq-worker.ts"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(worker.stdout, "data");
  const sql = await createConnection(bareUrl);
  try {
    await writePending(sql, productIds, pace, false, async (batch) => {
      await queue.addBulk(
        batch.map(({ id, expiresAtMs }) => ({
          name: "expire",
          data: { id },
          opts: { delay: Math.max(0, expiresAtMs - Date.now()), attempts: 100, removeOnComplete: true },
        })),
      );
    });
    return await drained(sql, 0, pace.orders);
  } finally {
    worker.kill("SIGTERM");
    await once(worker, "exit");
    await queue.close();
    connection.disconnect();
    await sql.end();
  }
}

async function runSluice(
  system: WholeSystem,
  productIds: readonly number[],
  pace: Pace,
  kill?: "kill",
): Promise<Latenesses> {
  const sql = await createConnection(system.mysqlRoot);
  try {
    const before = await expiredOf(sql);
    await writePending(sql, productIds, pace, true, async () => undefined);
    if (kill !== undefined) {
      await until(async () => (await expiredOf(sql)) - before >= pace.orders / 2);
      process.kill(system.pidOf("worker"), "SIGKILL");
    }
    return await drained(sql, before, pace.orders);
  } finally {
    await sql.end();
  }
}

/** Waits until as many have expired, and returns how late they were. */
async function drained(sql: Connection, before: number, orders: number): Promise<Latenesses> {
  await until(async () => (await expiredOf(sql)) - before >= orders);
  const [found] = await sql.query(
    `SELECT TIMESTAMPDIFF(MICROSECOND, o.expires_at, h.created_at) / 1000 AS late
     FROM order_history h JOIN orders o ON o.id = h.order_id
     WHERE h.to_status = 'EXPIRED' AND o.user_id >= ${firstUserId} ORDER BY h.id DESC LIMIT ?`,
    [orders],
  );
  const late = (found as { late: string }[]).map((row) => Number(row.late)).sort((a, b) => a - b);
  if (late.length !== orders || (late[0] as number) < 0) {
    throw new Error(`${late.length} of ${orders} expired, the first ${late[0]} ms after its time`);
  }
  return late;
}

async function expiredOf(sql: Connection): Promise<number> {
  const [rows] = await sql.query(
    `SELECT COUNT(*) AS n FROM orders WHERE status = 'EXPIRED' AND user_id >= ${firstUserId}`,
  );
  return (rows as { n: number }[])[0]?.n ?? 0;
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + drainedWithinMs;
  while (!(await reached())) {
    if (performance.now() > end) throw new Error(`not all orders expired within ${drainedWithinMs} ms`);
    await delay(500);
  }
}

function rows(name: string, late: Latenesses, reference: Latenesses): Measurement[] {
  const shares = { "ms late p50": 0.5, "ms late p99": 0.99, "ms late max": 1 };
  return Object.entries(shares).map(([unit, share]) => {
    const [value, held] = [late, reference].map(
      (all) => all[Math.min(all.length - 1, Math.floor(all.length * share))] as number,
    ) as [number, number];
    return {
      suite: "expiry",
      name,
      value,
      unit,
      reference: REFERENCE,
      ratio: value / held,
      samples: [value],
    };
  });
}
