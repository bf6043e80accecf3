/**
 * What an order costs through edge and origin, held against the bare SQL transaction on the same database.
 *
 * Sluice is the whole system as `npx sluice up` starts it (one edge worker): wrk keeps connections busy with orders,
 * each with a token, an `Idempotency-Key` of its own and one piece of one product. The bare transaction
 * (bare-client.ts) writes the same rows into tables of the same form, in a database beside it on the same server,
 * with as many connections. All share the machine's cores, the load too, so what one saves another gets.
 *
 * Spread: the orders go to many products in turn. One product: all go to the same, and every transaction waits for
 * the same row.
 *
 * Four figures each. Processor time is that of everything that serves the order: of Sluice all processes (edge,
 * api, database, relay, broker, worker, Redis), of the bare transaction its client and the database. Rounds are
 * taken in turn; ratios are of medians. A run in which one order is not placed is no measurement, and in the end
 * the audit must find nothing.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { treeCpuTimeUs } from "../process-tree.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import { startWholeSystem, type WholeSystem } from "../whole-system.ts";
import type { BareResult } from "./bare-client.ts";
import { openBareShop, putOnSale } from "./bare-shop.ts";
import { type Crowd, gatherCrowd, order } from "./crowd.ts";

export const ordersSuite: Suite = {
  name: "orders",
  summary:
    "orders through edge and origin, beside the bare SQL transaction: orders/s, p50, p99, CPU per order",
  run: measure,
};

interface Plan {
  rounds: number;
  roundSeconds: number;
  warmUpSeconds: number;
  products: number;
  buyers: number;
  connections: number;
}

const FULL: Plan = {
  rounds: 7,
  roundSeconds: 6,
  warmUpSeconds: 5,
  products: 500,
  buyers: 100,
  connections: 64,
};
const QUICK: Plan = {
  rounds: 2,
  roundSeconds: 2,
  warmUpSeconds: 1,
  products: 50,
  buyers: 10,
  connections: 64,
};

interface Sample {
  "orders/s": number;
  "ms p50": number;
  "ms p99": number;
  "µs CPU/order": number;
}

interface Lane {
  name: string;
  reference: string;
  run: (round: string, seconds: number) => Promise<Sample>;
  samples: Sample[];
}

async function measure({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-orders-"));
  progress("starting the whole system");
  const system = await startWholeSystem({ ORDER_TTL_SECONDS: "86400", ORDER_UNPAID_MAX: "1000000" });
  try {
    progress(`${plan.buyers} buyers register, ${plan.products} products are put on sale`);
    const crowd = await gatherCrowd(system.edgeUrl, folder, plan.buyers);
    const productIds = await putOnSale(system, plan.products);
    const bareUrl = await openBareShop(system, productIds);
    const lanes = lanesOf(system, bareUrl, crowd, productIds, plan.connections);
    for (const lane of lanes) {
      progress(`warming up: ${lane.name}`);
      await lane.run("warm-up", plan.warmUpSeconds);
    }
    for (let round = 1; round <= plan.rounds; round++) {
      progress(`round ${round} of ${plan.rounds}`);
      for (const lane of lanes) lane.samples.push(await lane.run(`round-${round}`, plan.roundSeconds));
    }
    progress("auditing");
    await system.auditIsClean();
    return compared(lanes);
  } finally {
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function lanesOf(
  system: WholeSystem,
  bareUrl: string,
  crowd: Crowd,
  productIds: readonly number[],
  connections: number,
): Lane[] {
  const lanes: Lane[] = [];
  for (const [where, ids] of [
    ["spread", productIds],
    ["one product", productIds.slice(0, 1)],
  ] as const) {
    const bare = `bare SQL, ${where}`;
    lanes.push(
      {
        name: bare,
        reference: bare,
        samples: [],
        run: (_, seconds) => runBare(system, bareUrl, ids, seconds, connections),
      },
      {
        name: `Sluice, ${where}`,
        reference: bare,
        samples: [],
        run: async (round, seconds) => {
          const cpuBefore = system.cpuTimeUs();
          const run = `${where.replace(" ", "-")}-${round}`;
          const placed = await order(crowd, run, ids, seconds, connections);
          return sampleOf(placed, system.cpuTimeUs() - cpuBefore);
        },
      },
    );
  }
  return lanes;
}

async function runBare(
  system: WholeSystem,
  url: string,
  productIds: readonly number[],
  seconds: number,
  connections: number,
): Promise<Sample> {
  const mysqlPid = system.pidOf("mysql");
  const cpuBefore = treeCpuTimeUs(mysqlPid);
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "bare-client.ts"),
    ...[url, productIds.join(","), String(seconds), String(connections)],
  ]);
  const result = JSON.parse(stdout) as BareResult;
  return sampleOf(result, treeCpuTimeUs(mysqlPid) - cpuBefore + result.cpuUs);
}

function sampleOf(
  { orders, durationSeconds, p50Ms, p99Ms }: Omit<BareResult, "cpuUs">,
  cpuUs: number,
): Sample {
  return {
    "orders/s": orders / durationSeconds,
    "ms p50": p50Ms,
    "ms p99": p99Ms,
    "µs CPU/order": cpuUs / orders,
  };
}

function compared(lanes: readonly Lane[]): Measurement[] {
  const units = Object.keys(lanes[0]?.samples[0] ?? {}) as (keyof Sample)[];
  return units.flatMap((unit) => {
    const samplesOf = (name: string) =>
      (lanes.find((lane) => lane.name === name) as Lane).samples.map((sample) => sample[unit]);
    return lanes.map(({ name, reference }) => {
      const samples = samplesOf(name);
      const value = median(samples);
      return {
        suite: "orders",
        name,
        value,
        unit,
        reference,
        ratio: value / median(samplesOf(reference)),
        samples,
      };
    });
  });
}
