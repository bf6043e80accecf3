/** Shoppers of a benchmark: people with sessions, who buy in a sale or order from the reference, as fast as may be. */
import { setTimeout as delay } from "node:timers/promises";
import { type Lines, openLines } from "../../../cli/src/simulation/lines.ts";
import type { Person } from "../../../cli/src/simulation/people.ts";

export interface Shopper {
  readonly headers: string;
}

export interface Bought {
  /** Orders that are in MySQL, and were told to their buyers. */
  confirmed: number;
  durationSeconds: number;
  /** From the purchase, or the order, to its confirmed order. */
  latenciesMs: number[];
  /** The first answer that was not as it should be. */
  failure: string;
}

export type Purchase = (lines: Lines, shopper: Shopper) => Promise<string | undefined>;

export function shoppersOf(people: readonly Person[]): Shopper[] {
  return people.map(({ token }, index) => ({
    headers: `authorization: ${token}\r\nx-forwarded-for: 5.9.${(index >> 8) & 255}.${index & 255}\r\n`,
  }));
}

/**
 * Challenge, purchase, and the outcome, for which it looks when the purchase's estimate is over, and then so often.
 * Undefined when all went well.
 */
export function buyIn(saleId: number, pollMs: number): Purchase {
  const path = `/flash-sales/${saleId}`;
  return async (lines, { headers }) => {
    const handedOut = await lines.ask("POST", `${path}/challenges`, headers);
    if (handedOut.status !== 201) return `challenge: ${handedOut.status} ${handedOut.body}`;
    const { challenge } = JSON.parse(handedOut.body) as { challenge: string };
    let reply = await lines.ask("POST", `${path}/purchases`, headers, JSON.stringify({ challenge }));
    if (reply.status !== 202) return `purchase: ${reply.status} ${reply.body}`;
    let waitMs = Number(/"estimateMs":(\d+)/.exec(reply.body)?.[1] ?? pollMs);
    while (reply.body.includes('"QUEUED"')) {
      await delay(waitMs);
      waitMs = pollMs;
      reply = await lines.ask("GET", `${path}/purchases/${challenge}`, headers);
    }
    return reply.body.includes('"CONFIRMED"') ? undefined : `ticket: ${reply.status} ${reply.body}`;
  };
}

/** One order of the reference. */
export function orderBare(body: string): Purchase {
  return async (lines, { headers }) => {
    const reply = await lines.ask("POST", "/orders", headers, body);
    return reply.status === 201 ? undefined : `order: ${reply.status} ${reply.body}`;
  };
}

/** So many at a time, each again as soon as the one before is confirmed. */
export async function asFastAsMayBe(
  port: number,
  shoppers: readonly Shopper[],
  purchase: Purchase,
  { atOnce, seconds }: { atOnce: number; seconds: number },
): Promise<Bought> {
  const lines = openLines(port, atOnce);
  const bought = nothing();
  const startedAt = performance.now();
  const untilMs = startedAt + seconds * 1_000;
  let next = 0;
  const one = async () => {
    while (performance.now() < untilMs && bought.failure === "") {
      await measured(lines, shoppers[next++ % shoppers.length] as Shopper, purchase, bought);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  bought.durationSeconds = (performance.now() - startedAt) / 1_000;
  lines.close();
  return bought;
}

/** At a steady rate, whatever becomes of those before. */
export async function atARate(
  port: number,
  shoppers: readonly Shopper[],
  purchase: Purchase,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Bought> {
  const lines = openLines(port, 256);
  const bought = nothing();
  const startedAt = performance.now();
  const running: Promise<void>[] = [];
  for (let n = 0; n < perSecond * seconds && bought.failure === ""; n++) {
    const wait = startedAt + (n * 1_000) / perSecond - performance.now();
    if (wait > 1) await delay(wait);
    running.push(measured(lines, shoppers[n % shoppers.length] as Shopper, purchase, bought));
  }
  await Promise.all(running);
  bought.durationSeconds = (performance.now() - startedAt) / 1_000;
  lines.close();
  return bought;
}

function nothing(): Bought {
  return { confirmed: 0, durationSeconds: 0, latenciesMs: [], failure: "" };
}

async function measured(lines: Lines, shopper: Shopper, purchase: Purchase, bought: Bought): Promise<void> {
  const startedAt = performance.now();
  const failure = await purchase(lines, shopper);
  if (failure !== undefined) bought.failure ||= failure;
  else {
    bought.confirmed += 1;
    bought.latenciesMs.push(performance.now() - startedAt);
  }
}
