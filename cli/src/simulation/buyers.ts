/**
 * How people behave who want a piece. Honest buyers ask for a challenge, buy, and wait for the outcome; they come again
 * when they are told to. Repeaters send every purchase several times at once. Bots ask before the start, ask for several
 * challenges at once and use all of them. The denied come from a country for which the sale is not.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Lines, Reply } from "./lines.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";
import { count, type Kind, secondOf, type Tally } from "./tally.ts";

export interface Scene {
  readonly lines: Lines;
  readonly saleId: number;
  readonly tally: Tally;
  readonly random: Random;
  /** Nobody needs to try any more: all is sold, as MySQL has it, or time is over. */
  isOver(): boolean;
}

const REPEATS = 3;
const BOT_CHALLENGES = 4;
const POLL_MS = 150;
/** Every so many buyers listen for their outcome, the others ask again and again. */
const LISTENER_OF = 10;
/** Whoever is sold out asks again after this, and something: pieces may come back. */
const SOLD_OUT_PAUSE_MS = 1_000;
const NO_ANSWER_PAUSE_MS = 300;

export async function buy(scene: Scene, kind: Kind, person: Person, address: string): Promise<void> {
  const headers = `authorization: ${person.token}\r\nx-forwarded-for: ${address}\r\n`;
  const { tally } = scene;
  /** From the first answer on: how long their first request took to the edge is not the edge's doing. */
  const stay = { fromMs: Number.POSITIVE_INFINITY };
  tally.people[kind] += 1;
  for (;;) {
    const tries = kind === "bot" ? BOT_CHALLENGES : 1;
    const rounds = await Promise.all(
      Array.from({ length: tries }, () => attempt(scene, kind, person, headers, stay)),
    );
    const bought = rounds.find((round) => typeof round === "object");
    if (bought !== undefined) {
      tally.winners[kind] += 1;
      tally.stays.push({ kind, fromMs: stay.fromMs, untilMs: bought.admittedAtMs, won: true });
      return;
    }
    if (rounds.every((round) => round === "over") || scene.isOver()) break;
    await pause(scene, Math.max(...rounds.map((round) => (typeof round === "number" ? round : 0))));
  }
  if (stay.fromMs !== Number.POSITIVE_INFINITY) {
    tally.stays.push({ kind, fromMs: stay.fromMs, untilMs: Date.now(), won: false });
  }
}

/** They bought; `over`, nothing more to be had; else after how many ms to come again. */
type Round = { readonly admittedAtMs: number } | "over" | number;

async function attempt(
  scene: Scene,
  kind: Kind,
  person: Person,
  headers: string,
  stay: { fromMs: number },
): Promise<Round> {
  const path = `/flash-sales/${scene.saleId}`;
  const asked = await ask(scene, "challenge", `${path}/challenges`, headers, "");
  if (asked.status !== 0) stay.fromMs = Math.min(stay.fromMs, Date.now());
  if (asked.status !== 201) return roundOf(asked);
  const { challenge } = JSON.parse(asked.body) as { challenge: string };
  const body = JSON.stringify({ challenge });
  const startedAt = performance.now();
  for (;;) {
    const copies = kind === "repeater" ? REPEATS : 1;
    const replies = await Promise.all(
      Array.from({ length: copies }, () => ask(scene, "purchase", `${path}/purchases`, headers, body)),
    );
    const admitted = replies.find(({ status }) => status === 202);
    if (admitted !== undefined) return follow(scene, person, headers, admitted, startedAt);
    const [reply] = replies as [Reply];
    // With the same challenge: whoever was admitted and did not hear of it hears of it now.
    if (!mayRepeat(reply) || scene.isOver()) return roundOf(reply);
    await pause(scene, reply.status === 0 ? NO_ANSWER_PAUSE_MS : reply.retryAfterMs);
  }
}

function mayRepeat({ status, body }: Reply): boolean {
  return (
    status === 0 ||
    status >= 500 ||
    (status === 429 && ["sale.crowded", "rate.limited"].includes(codeOf(body)))
  );
}

async function follow(
  scene: Scene,
  person: Person,
  headers: string,
  first: Reply,
  startedAt: number,
): Promise<Round> {
  const { tally, saleId } = scene;
  const admittedAtMs = Date.now();
  const listens = person.userId % LISTENER_OF === 0;
  const { ticket } = JSON.parse(first.body) as { ticket: string };
  tally.admitted += 1;
  tally.admittedAtMs.push(admittedAtMs);
  secondOf(tally).admitted += 1;
  for (let reply = first; ; ) {
    const state =
      reply.status === 200 || reply.status === 202 ? JSON.parse(reply.body) : { status: "QUEUED" };
    if (state.status !== "QUEUED") {
      count(tally.outcomes, state.reason === undefined ? state.status : `${state.status} ${state.reason}`);
      if (state.status !== "CONFIRMED") return SOLD_OUT_PAUSE_MS;
      tally.confirmed += 1;
      tally.confirmedAtMs.push(Date.now());
      secondOf(tally).confirmed += 1;
      tally.confirmMs.push(performance.now() - startedAt);
      count(tally.got, person.userId);
      return { admittedAtMs };
    }
    await delay(POLL_MS);
    tally.requests += 1;
    const path = `/flash-sales/${saleId}/purchases/${ticket}`;
    reply = await (listens
      ? lastEventOf(scene, `${path}/events`, headers)
      : scene.lines.ask("GET", path, headers));
  }
}

/** Server-sent events, which end with the outcome; what came last is the answer. */
async function lastEventOf({ lines }: Scene, path: string, headers: string): Promise<Reply> {
  const reply = await lines.ask("GET", path, headers);
  const last = [...reply.body.matchAll(/^data: (.*)$/gm)].at(-1)?.[1];
  return { ...reply, body: last ?? '{"status":"QUEUED"}' };
}

async function ask(
  { lines, tally }: Scene,
  where: "challenge" | "purchase",
  path: string,
  headers: string,
  body: string,
): Promise<Reply> {
  const startedAt = performance.now();
  tally.requests += 1;
  const reply = await lines.ask("POST", path, headers, body);
  if (reply.status >= 200 && reply.status < 300) return reply;
  count(tally.refusals, `${where} ${reply.status === 0 ? "no answer" : codeOf(reply.body)}`);
  tally.refuseMs.push(performance.now() - startedAt);
  secondOf(tally).refused += 1;
  return reply;
}

function roundOf({ status, body, retryAfterMs }: Reply): Round {
  const code = codeOf(body);
  if (code === "sale.country_refused" || code === "sale.limit" || code === "sale.ended") return "over";
  if (status === 0) return NO_ANSWER_PAUSE_MS;
  return retryAfterMs > 0 ? retryAfterMs : SOLD_OUT_PAUSE_MS;
}

function codeOf(body: string): string {
  return /"code":"([a-z_.]+)"/.exec(body)?.[1] ?? "unknown";
}

/** Half as long again at most, so that a crowd does not come back in step. */
function pause({ random }: Scene, ms: number): Promise<void> {
  return delay(ms * (1 + random.next() / 2));
}
