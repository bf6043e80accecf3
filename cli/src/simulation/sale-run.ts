/**
 * One sale from the draft to the audit, on a system of its own: real requests over HTTP on loopback, through the edge. The
 * seed decides who comes when, and what is killed when; what the machine makes of it is never quite the same.
 */
import { setTimeout as delay } from "node:timers/promises";
import { ADMITTED_IN_ORDER_MS } from "@sluice/contract/sale.ts";
import { startThrowawaySystem, type ThrowawaySystem } from "../system/throwaway.ts";
import { buy, type Scene } from "./buyers.ts";
import { ADVANTAGE_MAX, type Chance, chancesOf, hasAdvantage } from "./chances.ts";
import { type Killed, scheduleKills } from "./kills.ts";
import { openLines } from "./lines.ts";
import { invitePeople, type Person } from "./people.ts";
import type { SimulationPlan } from "./plan.ts";
import { type Random, randomFrom } from "./random.ts";
import { KINDS, type Kind, newTally, type Tally } from "./tally.ts";

export interface SimulationResult {
  readonly plan: SimulationPlan;
  readonly tally: Tally;
  readonly kills: readonly Killed[];
  /** What the system says of the sale in the end. */
  readonly sale: { status: string; pieces: { available: number }; tickets: Record<string, number> };
  readonly fairness: {
    served: number;
    inOrder: number;
    overtaken: number;
    overtakenMsP99: number;
    overtakenMsMax: number;
  };
  readonly chances: Readonly<Record<Kind, Chance>>;
  readonly audit: { code: number | null; output: string };
  readonly durationSeconds: number;
  /** What should not be so; nothing when all is well. */
  readonly faults: readonly string[];
}

const START_IN_MS = 3_000;
const BOTS_EARLY_MS = 1_000;
const HEALTHY_TIMEOUT_MS = 60_000;
/** Of a thousand buyers so many are of that kind; the others are honest. */
const SHARES: readonly [Kind, number][] = [
  ["repeater", 50],
  ["bot", 40],
  ["denied", 20],
];

export async function simulateSale(plan: SimulationPlan): Promise<SimulationResult> {
  const { say } = plan;
  say("starting a system of its own");
  const system = await startThrowawaySystem({
    EDGE_WORKERS: "2",
    SALE_ORDER_TTL_SECONDS: "3600",
    LOG_LEVEL: "warn",
  });
  try {
    say(`${plan.buyers} buyers get sessions`);
    const people = await invitePeople(system, plan.buyers);
    const saleId = await prepareSale(system, plan);
    const tally = newTally();
    tally.startedAtMs = Date.now() + START_IN_MS;
    const random = randomFrom(plan.seed);
    const lines = openLines(system.settings.ports.edge, plan.connections);
    const watch = watchSale(system, saleId, tally, plan);
    const kills = scheduleKills(system, plan, random, tally, say);
    const isOver = () => watch.isOver() || Date.now() > tally.startedAtMs + plan.patienceSeconds * 1_000;
    const scene: Scene = { lines, saleId, tally, random, isOver };
    await crowd(scene, plan, people, random);
    const durationSeconds = (Date.now() - tally.startedAtMs) / 1_000;
    await watch.close();
    await kills.done();
    lines.close();
    return await conclude(system, plan, { saleId, tally, kills: kills.killed, durationSeconds });
  } finally {
    await system.close();
  }
}

async function prepareSale(system: ThrowawaySystem, plan: SimulationPlan): Promise<number> {
  const product = { name: "A phone", priceCents: 49_900, currency: "EUR", stock: plan.stock + 10 };
  const { id: productId } = await operate(system, "POST", "/products", product);
  const startsAt = Date.now() + START_IN_MS;
  const sale = await operate(system, "POST", "/flash-sales", {
    ...{ productId, priceCents: 29_900, total: plan.stock, perUserMax: plan.perUser },
    ...{ perSecond: plan.perSecond, countries: ["DE"] },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(startsAt + 3_600_000).toISOString(),
  });
  await operate(system, "PATCH", `/flash-sales/${sale.id}`, { status: "SCHEDULED" }, { "if-match": "1" });
  return Number(sale.id);
}

async function crowd(
  scene: Scene,
  plan: SimulationPlan,
  all: readonly Person[],
  random: Random,
): Promise<void> {
  const { tally } = scene;
  const buying: Promise<void>[] = [];
  const coming = all
    .map((person, index) => {
      const kind = kindOf(index);
      const at = kind === "bot" ? -BOTS_EARLY_MS : random.next() * plan.spreadSeconds * 1_000;
      return { person, kind, at: tally.startedAtMs + at, address: addressOf(kind, index) };
    })
    .sort((a, b) => a.at - b.at);
  for (const { person, kind, at, address } of coming) {
    const wait = at - Date.now();
    if (wait > 2) await delay(wait);
    buying.push(buy(scene, kind, person, address));
  }
  await Promise.all(buying);
}

function kindOf(index: number): Kind {
  let at = index % 1_000;
  for (const [kind, share] of SHARES) {
    if (at < share) return kind;
    at -= share;
  }
  return "honest";
}

/** In Germany, or in Japan. */
function addressOf(kind: Kind, index: number): string {
  return `${kind === "denied" ? "133.1" : "5.9"}.${(index >> 8) & 255}.${index & 255}`;
}

/** Looks at the sale as everybody may, and says how it goes. */
function watchSale(system: ThrowawaySystem, saleId: number, tally: Tally, plan: SimulationPlan) {
  let status = "";
  let open = true;
  let saidAt = 0;
  const look = async () => {
    while (open) {
      const answer = await fetch(`${system.edgeUrl}/flash-sales/${saleId}`).catch(() => undefined);
      if (answer?.ok) status = ((await answer.json()) as { status: string }).status;
      if (Date.now() - saidAt > 1_000) {
        saidAt = Date.now();
        const seconds = Math.floor((Date.now() - tally.startedAtMs) / 1_000);
        plan.say(
          `${seconds} s  ${status || "?"}  admitted ${tally.admitted}  confirmed ${tally.confirmed} of ${plan.stock}  requests ${tally.requests}`,
        );
      }
      await delay(200);
    }
  };
  const looking = look();
  return {
    isOver: () => status === "SOLD_OUT" || status === "ENDED",
    close: () => {
      open = false;
      return looking;
    },
  };
}

async function conclude(
  system: ThrowawaySystem,
  plan: SimulationPlan,
  run: { saleId: number; tally: Tally; kills: readonly Killed[]; durationSeconds: number },
): Promise<SimulationResult> {
  plan.say("all have gone home: ending the sale, and auditing");
  await untilHealthy(system);
  const path = `/flash-sales/${run.saleId}`;
  const sale = (await operate(system, "GET", path)) as SimulationResult["sale"] & { version: number };
  const fairness = (await operate(system, "GET", `${path}/fairness`)) as SimulationResult["fairness"];
  await operate(system, "PATCH", path, { status: "ENDED" }, { "if-match": String(sale.version) });
  const audit = await system.sluice("audit");
  const { tally, kills, durationSeconds } = run;
  const chances = chancesOf(tally.stays, tally.startedAtMs);
  const faults = faultsOf(plan, tally, kills, { sale, fairness, chances, audit });
  return { plan, tally, kills, sale, fairness, chances, audit, durationSeconds, faults };
}

/** Share of buyers who may be overtaken by somebody who came later than the bound allows. */
const overtakenMax = 0.01;

function faultsOf(
  { stock, perUser, kills: wanted }: SimulationPlan,
  tally: Tally,
  kills: readonly Killed[],
  { sale, fairness, chances, audit }: Pick<SimulationResult, "sale" | "fairness" | "chances" | "audit">,
): string[] {
  const faults: string[] = [];
  const sold = sale.tickets.CONFIRMED ?? 0;
  if (sold !== stock || sale.pieces.available !== 0) {
    faults.push(`${sold} of ${stock} pieces were sold, ${sale.pieces.available} are left`);
  }
  if (tally.confirmed > sold)
    faults.push(`${tally.confirmed} buyers were told that they bought, ${sold} did`);
  const over = [...tally.got].filter(([, pieces]) => pieces > perUser);
  if (over.length > 0) faults.push(`${over.length} buyers have more than ${perUser}`);
  if (audit.code !== 0) faults.push(`the audit found something:\n${audit.output}`);
  const within = kills.filter(({ admittedBefore, admittedAfter }) => admittedBefore > 0 && admittedAfter > 0);
  if (wanted.length > 0 && within.length === 0)
    faults.push("no kill fell between the first and the last admission");
  if (kills.length < wanted.length) faults.push(`${kills.length} of ${wanted.length} parts were killed`);
  if (fairness.overtaken > overtakenMax) {
    faults.push(
      `${(fairness.overtaken * 100).toFixed(1)} % were overtaken by more than ${ADMITTED_IN_ORDER_MS} ms`,
    );
  }
  for (const kind of KINDS) {
    const { bought, expected } = chances[kind];
    if (hasAdvantage(chances[kind])) {
      faults.push(
        `${kind} buyers bought ${bought}, more than ${ADVANTAGE_MAX} times their ${expected.toFixed(1)}`,
      );
    }
  }
  return faults;
}

async function untilHealthy(system: ThrowawaySystem): Promise<void> {
  for (const until = Date.now() + HEALTHY_TIMEOUT_MS; ; await delay(500)) {
    const { code, output } = await system.sluice("status");
    if (code === 0) return;
    if (Date.now() > until) throw new Error(`the system is not healthy again:\n${output}`);
  }
}

async function operate(
  { opsUrl, opsToken }: ThrowawaySystem,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(opsUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${opsToken}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answers ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as Record<string, unknown>;
}
