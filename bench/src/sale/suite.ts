/**
 * A flash sale through the edge, held against the same sale with one row-locked transaction for each order.
 *
 * Both go through the same edge (one worker) with the same tokens, by the same client, to the same MySQL. Sluice is the
 * whole system; a purchase is a challenge, the purchase, and as many looks at the ticket as it takes to be confirmed.
 * The reference (row-locked-shop.ts) stands where the origin stands, and is leaner than it. Orders a second: so many
 * buyers at once, each again as soon as the one before is confirmed. Latency: at half of the rate that was reached, from
 * the challenge on, which the reference does without.
 *
 * Refusals: what the edge answers when all is sold, with a token on each request, against an nginx that answers
 * `return 200`, by the same wrk. Memory: what Redis takes for a ticket that waits, against a key for each.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { openHome } from "../../../cli/src/process/home.ts";
import { freePorts } from "../../../cli/src/process/ports.ts";
import { invitePeople } from "../../../cli/src/simulation/people.ts";
import { openBareShop, putOnSale } from "../orders/bare-shop.ts";
import { applyLoad, IN_TURN_AND_REPORTED } from "../proxies/load.ts";
import { childrenOf } from "../proxies/processor.ts";
import { startFixedAnswer } from "../proxies/reference.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import { startWholeSystem, type WholeSystem } from "../whole-system.ts";
import { measureTicketMemory } from "./memory.ts";
import { refusalScript } from "./refusal-script.ts";
import {
  asFastAsMayBe,
  atARate,
  type Bought,
  buyIn,
  orderBare,
  type Shopper,
  shoppersOf,
} from "./shoppers.ts";

export const saleSuite: Suite = {
  name: "sale",
  summary:
    "a flash sale beside one row-locked transaction per order; refusals beside `return 200`; memory of tickets",
  run: measure,
};

/** So many people that none of them buys twice in a second, which the gate takes for pushing. */
const FULL = { rounds: 3, seconds: 6, people: 20_000, atOnce: 512, tickets: 1_000_000, refusalSeconds: 5 };
const QUICK = { rounds: 1, seconds: 2, people: 6_000, atOnce: 64, tickets: 20_000, refusalSeconds: 1 };

const SALE = "Sluice";
const REFERENCE = "one row-locked transaction per order";
/** Behind the estimate, at which a buyer looks first. */
const FAST_POLL_MS = 100;
const CLOSE_POLL_MS = 10;
/** Purchases pass a closed gate for so long: somebody may come back for a ticket. */
const CHALLENGES_DIE_MS = 21_000;

async function measure({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const plan = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-sale-"));
  const [viaPort, fixedPort] = (await freePorts(2)) as [number, number];
  progress("starting the whole system");
  const system = await startWholeSystem({
    ...{ API_VIA_PORT: String(viaPort), ORDER_UNPAID_MAX: "1000000" },
    ...{ SALE_ORDER_TTL_SECONDS: "86400" },
  });
  const closing: (() => Promise<unknown>)[] = [() => system.close()];
  try {
    const [productId] = (await putOnSale(system, 1)) as [number];
    const bare = await startRowLocked(system, viaPort, productId);
    closing.unshift(bare.close);
    progress(`${plan.people} buyers get sessions`);
    const shoppers = shoppersOf(await invitePeople(system, plan.people));
    const saleId = await openSale(system, productId);
    const lanes = await sell(system, { shoppers, saleId, productId, plan, progress });
    const home = openHome(folder);
    const fixed = await startFixedAnswer(home, fixedPort, 200, '{"status":"ok"}');
    closing.unshift(() => fixed.stop());
    const refused = await refuse(system, { folder, fixedPort, saleId, shoppers, plan, progress });
    progress(`memory of ${plan.tickets} tickets`);
    const memory = await measureTicketMemory(system.origin.REDIS_URL as string, plan.tickets);
    return [...lanes, ...refused, ...memoryOf(memory)];
  } finally {
    for (const close of closing) await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openSale(system: WholeSystem, productId: number): Promise<number> {
  const sale = await system.operator("/flash-sales", {
    ...{ productId, priceCents: 100, total: 1_000_000, perUserMax: 100, perSecond: 1_000_000 },
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await changeSale(system, Number(sale.id), { status: "OPEN" });
  return Number(sale.id);
}

async function changeSale({ opsUrl, opsToken }: WholeSystem, id: number, change: object): Promise<void> {
  const authorization = `Bearer ${opsToken}`;
  const url = `${opsUrl}/flash-sales/${id}`;
  const etag = (await fetch(url, { headers: { authorization } })).headers.get("etag") ?? "";
  const headers = { authorization, "content-type": "application/json", "if-match": etag };
  const changed = await fetch(url, { method: "PATCH", headers, body: JSON.stringify(change) });
  if (!changed.ok) throw new Error(`${changed.status} ${await changed.text()}`);
}

interface Stage {
  shoppers: readonly Shopper[];
  saleId: number;
  productId: number;
  plan: typeof FULL;
  progress(text: string): void;
}

async function sell(
  system: WholeSystem,
  { shoppers, saleId, productId, plan, progress }: Stage,
): Promise<Measurement[]> {
  const { edge } = system.settings.ports;
  const fast = { atOnce: plan.atOnce, seconds: plan.seconds };
  const body = JSON.stringify({ lines: [{ productId, quantity: 1 }] });
  const contenders = [
    {
      name: REFERENCE,
      fast: orderBare(body),
      close: orderBare(body),
      rates: [] as number[],
      latencies: [] as Bought[],
    },
    {
      name: SALE,
      fast: buyIn(saleId, FAST_POLL_MS),
      close: buyIn(saleId, CLOSE_POLL_MS),
      rates: [] as number[],
      latencies: [] as Bought[],
    },
  ];
  for (let round = 0; round <= plan.rounds; round++) {
    progress(round === 0 ? "warming up" : `selling, round ${round} of ${plan.rounds}`);
    for (const { fast: purchase, rates } of contenders) {
      const bought = await asFastAsMayBe(edge, shoppers, purchase, fast);
      if (bought.failure !== "") throw new Error(bought.failure);
      if (round > 0) rates.push(bought.confirmed / bought.durationSeconds);
    }
  }
  for (const { close, rates, latencies } of contenders) {
    const perSecond = Math.round(median(rates) / 2);
    progress(`latency at ${perSecond} a second`);
    for (let round = 0; round < plan.rounds; round++) {
      const bought = await atARate(edge, shoppers, close, { perSecond, seconds: plan.seconds / 2 });
      if (bought.failure !== "") throw new Error(bought.failure);
      latencies.push(bought);
    }
  }
  await checkSold(system, saleId);
  const [reference, sale] = contenders as [(typeof contenders)[0], (typeof contenders)[0]];
  return [
    ...compared("orders/s", reference.rates, sale.rates),
    ...[0.5, 0.99].flatMap((share) =>
      compared(
        `ms p${share * 100} at half load`,
        reference.latencies.map((one) => percentileOf(one, share)),
        sale.latencies.map((one) => percentileOf(one, share)),
      ),
    ),
  ];
}

/** What buyers were told is in MySQL: each confirmed ticket has an order, and pieces add up. */
async function checkSold(system: WholeSystem, saleId: number): Promise<void> {
  const sql = await createConnection(system.mysqlRoot);
  const [rows] = await sql.query(
    `SELECT a.total - a.available AS sold, COUNT(o.id) AS orders FROM allotments a
     LEFT JOIN orders o ON o.allotment_id = a.id WHERE a.id = ? GROUP BY a.id`,
    [saleId],
  );
  await sql.end();
  const [{ sold, orders }] = rows as unknown as [{ sold: number; orders: number }];
  if (sold !== orders || orders === 0) throw new Error(`${sold} pieces and ${orders} orders`);
}

async function startRowLocked(system: WholeSystem, viaPort: number, productId: number) {
  const url = await openBareShop(system, [productId], ["sale_tickets", "sale_buyers"]);
  const script = join(import.meta.dirname, "row-locked-shop.ts");
  const args = [viaPort, system.settings.ports.api, url, productId, 1_000_000].map(String);
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the reference ended with ${code}`)));
  });
  return {
    close: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
}

async function refuse(
  system: WholeSystem,
  {
    folder,
    fixedPort,
    saleId,
    shoppers,
    plan,
    progress,
  }: Omit<Stage, "productId"> & { folder: string; fixedPort: number },
): Promise<Measurement[]> {
  // The last piece is gone: as many were set aside as were sold.
  const { pieces } = (await getSale(system, saleId)) as { pieces: { total: number; available: number } };
  await changeSale(system, saleId, { total: pieces.total - pieces.available });
  progress("waiting until the last challenge is over");
  await new Promise((resolve) => setTimeout(resolve, CHALLENGES_DIE_MS));
  pinWorkers(system.pidOf("edge"));
  const script = refusalScript(folder, saleId, shoppers, IN_TURN_AND_REPORTED);
  const fixed: number[] = [];
  const edge: number[] = [];
  for (let round = 0; round <= plan.rounds + 2; round++) {
    progress(`refusing, round ${round}`);
    for (const [rates, url] of [
      [fixed, `http://127.0.0.1:${fixedPort}`],
      [edge, system.edgeUrl],
    ] as const) {
      const load = await applyLoad(script, url, plan.refusalSeconds);
      if (load.failures > 0) throw new Error(`${load.failures} requests failed`);
      if (rates === edge && load.refused !== load.requests) throw new Error("somebody was not refused");
      if (round > 0) rates.push(load.requests / load.durationSeconds);
    }
  }
  return [
    measurement("nginx return 200", "requests/s", fixed, "nginx return 200", fixed),
    measurement("refusals when sold out", "requests/s", edge, "nginx return 200", fixed),
  ];
}

async function getSale({ opsUrl, opsToken }: WholeSystem, id: number): Promise<unknown> {
  const headers = { authorization: `Bearer ${opsToken}` };
  return (await fetch(`${opsUrl}/flash-sales/${id}`, { headers })).json();
}

/** As the reference's: a core of their own. */
function pinWorkers(master: number): void {
  for (const pid of childrenOf(master)) execFileSync("taskset", ["--pid", "--cpu-list", "1", String(pid)]);
}

function percentileOf({ latenciesMs }: Bought, share: number): number {
  return latenciesMs.toSorted((a, b) => a - b)[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
}

function compared(unit: string, reference: number[], sale: number[]): Measurement[] {
  return [
    measurement(REFERENCE, unit, reference, REFERENCE, reference),
    measurement(SALE, unit, sale, REFERENCE, reference),
  ];
}

function memoryOf({ waiting, keyEach }: { waiting: number; keyEach: number }): Measurement[] {
  const unit = "bytes/ticket";
  return [
    measurement("a key for each ticket", unit, [keyEach], "a key for each ticket", [keyEach]),
    measurement("tickets that wait", unit, [waiting], "a key for each ticket", [keyEach]),
  ];
}

function measurement(
  name: string,
  unit: string,
  samples: number[],
  reference: string,
  referenceSamples: number[],
): Measurement {
  const value = median(samples);
  return { suite: "sale", name, value, unit, reference, ratio: value / median(referenceSamples), samples };
}
