/**
 * Writers change prices of products and of flash sales while readers read them through every worker of an edge, and
 * parts of the way between are killed. `ledger.ts` says what must hold of each read; at the end every connection sees
 * the last value of each.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { randomFrom } from "../crash/schedule.ts";
import { eventually } from "../src/eventually.ts";
import { Ledger } from "./ledger.ts";
import { type Stage, startStage, type Victim } from "./stage.ts";

export interface CampaignOptions {
  seed: number;
  faults: number;
  say(line: string): void;
}

export interface CampaignOutcome {
  broken: string[];
  reads: number;
  writes: number;
  /** How old the read values were that had been replaced when the read began, outside outages, ms. */
  staleMs: { p99: number; max: number };
}

const PRODUCTS = 20;
/** One for each writer. */
const SALES = 4;
const WRITERS = 4;
const READERS = 12;
/** Load between two faults. */
const CALM_MS = 700;
const SETTLE_TIMEOUT_MS = 120_000;
const VICTIMS = ["leading relay", "edge worker", "redis"] as const satisfies Victim[];

export async function runCampaign({ seed, faults, say }: CampaignOptions): Promise<CampaignOutcome> {
  say(`seed ${seed}`);
  const random = randomFrom(seed);
  const first = Math.floor(random() * VICTIMS.length);
  const stage = await startStage(PRODUCTS, SALES);
  const ledger = new Ledger();
  const load = new AbortController();
  const readers = Array.from({ length: READERS }, () => createReader(stage, ledger));
  const working = [
    ...Array.from({ length: WRITERS }, (_, index) => writeOn(stage, ledger, index, random, load.signal)),
    ...readers.map((reader) => readOn(reader, stage, random, load.signal)),
  ];
  try {
    await pause(CALM_MS);
    for (let number = 0; number < faults; number++) {
      // Each kind in turn, beginning anywhere: a short campaign has them all.
      const victim = VICTIMS[(first + number) % VICTIMS.length] as Victim;
      await hurt(stage, ledger, victim, say);
      await pause(CALM_MS * (0.5 + random()));
    }
    load.abort();
    await Promise.all(working);
    await allEqual(stage, ledger, readers);
  } finally {
    load.abort();
    await Promise.allSettled(working);
    for (const reader of readers) reader.close();
    await stage.close();
  }
  const stale = ledger.staleMs.sort((a, b) => a - b);
  const { broken, reads, writes } = ledger;
  const p99 = stale[Math.floor(stale.length * 0.99)] ?? 0;
  return { broken: broken.slice(0, 20), reads, writes, staleMs: { p99, max: stale.at(-1) ?? 0 } };
}

/** A worker that dies takes its memory with it, and no other worker notices: that is no outage. */
async function hurt(
  stage: Stage,
  ledger: Ledger,
  victim: Victim,
  say: (line: string) => void,
): Promise<void> {
  const fromMs = performance.now();
  const outage = {
    fromMs,
    toMs: victim === "edge worker" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
  };
  ledger.outages.push(outage);
  await stage.kill(victim);
  await eventually(
    `all is well after the ${victim} was killed`,
    SETTLE_TIMEOUT_MS,
    async () => (await stage.isWell()) || undefined,
  );
  if (victim !== "edge worker") outage.toMs = performance.now();
  say(`kill -9 of the ${victim}: well again after ${Math.round(performance.now() - fromMs)} ms`);
}

/** Each writer has things of its own, so prices of one are committed in their order. */
async function writeOn(
  stage: Stage,
  ledger: Ledger,
  index: number,
  random: () => number,
  signal: AbortSignal,
): Promise<void> {
  const own = stage.paths.flatMap((path, thing) => (thing % WRITERS === index ? [{ path, thing }] : []));
  while (!signal.aborted) {
    const { path, thing } = own[Math.floor(random() * own.length)] as (typeof own)[0];
    const price = ledger.latest(path) + 1;
    await stage.write(thing, price);
    ledger.acknowledge(path, price, performance.now());
    await pause(2 + random() * 6);
  }
}

interface Reader {
  /** Undefined when the edge could not answer. */
  read(path: string): Promise<number | undefined>;
  close(): void;
}

/** One kept connection is one worker, for as long as it lasts. */
function createReader({ edgePort }: Stage, ledger: Ledger): Reader {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let connection: number | undefined;
  let shown = new Map<string, number>();
  return {
    read: async (path) => {
      const beganMs = performance.now();
      const answer = await get(edgePort, agent, path);
      if (answer === undefined) return undefined;
      if (answer.localPort !== connection) shown = new Map();
      connection = answer.localPort;
      ledger.judge(path, answer.price, beganMs, shown.get(path) ?? 0);
      shown.set(path, Math.max(answer.price, shown.get(path) ?? 0));
      return answer.price;
    },
    close: () => agent.destroy(),
  };
}

async function readOn(
  reader: Reader,
  stage: Stage,
  random: () => number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const path = stage.paths[Math.floor(random() * stage.paths.length)] as string;
    const price = await reader.read(path);
    await pause(price === undefined ? 20 : 1 + random() * 4);
  }
}

async function allEqual(stage: Stage, ledger: Ledger, readers: readonly Reader[]): Promise<void> {
  await eventually("every connection sees the last price of each", SETTLE_TIMEOUT_MS, async () => {
    for (const reader of readers) {
      for (const path of stage.paths) {
        if ((await reader.read(path)) !== ledger.latest(path)) return undefined;
      }
    }
    return true;
  });
}

function get(
  port: number,
  agent: Agent,
  path: string,
): Promise<{ price: number; localPort: number | undefined } | undefined> {
  return new Promise((resolve) => {
    const asking = request({ host: "127.0.0.1", port, path, agent }, (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      const { localPort } = answer.socket;
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", () => resolve(undefined));
      answer.on("end", () => {
        if (answer.statusCode !== 200) return resolve(undefined);
        const { priceCents } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { priceCents: number };
        resolve({ price: priceCents, localPort });
      });
    });
    // A worker was killed with our connection.
    asking.on("error", () => resolve(undefined));
    asking.end();
  });
}

/** Load has a pace; nothing is waited for. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
