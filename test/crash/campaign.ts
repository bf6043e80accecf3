/**
 * Hurts a whole system under load, again and again, and looks whether it keeps its promises.
 *
 *     load ─▶ fault ─▶ healed ─▶ recovered ─▶ load …            at the end: everything settled, books closed
 *
 * A round ends when the system has recovered: every part is healthy (the supervisor has started again what died, and
 * worker and relay say that they are ready), an order can be placed through the edge, and the relay has published
 * all that waited. Then, while the load goes on, what the crowd was promised since the last round is looked up in the
 * books; after every few rounds it is all that it was ever promised, and the audit. In the end the crowd goes home,
 * every unpaid order must have expired in time, and the payment provider must hold the money of paid orders and no other.
 */
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "../../cli/src/process/ports.ts";
import { viaPortVariable } from "../../cli/src/settings.ts";
import { systemHealth } from "../../cli/src/system/health.ts";
import { startThrowawaySystem, type ThrowawaySystem } from "../../cli/src/system/throwaway.ts";
import { Client } from "../src/client.ts";
import { type Books, type Lateness, openBooks } from "./books.ts";
import { type Crowd, gatherCrowd } from "./crowd.ts";
import { strayMoney } from "./money.ts";
import { openPassage, type Passage } from "./passage.ts";
import { type Hurt, report, seconds } from "./report.ts";
import {
  type Cuttable,
  cuttable,
  describeFault,
  type Fault,
  type Round,
  schedule,
  type Victim,
} from "./schedule.ts";

export interface CampaignOptions {
  readonly rounds: number;
  readonly seed: number;
  say(line: string): void;
}

export interface Outcome {
  readonly roundsSurvived: number;
  readonly orders: number;
  /** What was broken, with ids; empty when everything held. */
  readonly broken: readonly string[];
}

const orderTtlSeconds = 2;
/** The audit is a process that reads everything: after each round it would be most of the load. */
const auditEveryRounds = 5;
/** Whatever was done to it, the system is well again within so long. */
const recoveryMsMax = 90_000;
const settledMsMax = 60_000;
/** All that it takes to expire an order: what else is hurt is no excuse for one that is late. */
const expiryNeeds: readonly Victim[] = ["worker", "mysql"];
/** The machine is full of our own load, so the calm second is given more room than it has in production. */
const lateness: Lateness = { calmMs: 5_000, afterOutageMs: 15_000 };
const pollMs = 100;

export async function runCampaign({ rounds, seed, say }: CampaignOptions): Promise<Outcome> {
  say(`${rounds} rounds of seed ${seed}: starting the system`);
  const { system, passages, close } = await startHurtable();
  const hurts: Hurt[] = [];
  const books = await openBooks(system.origin.MYSQL_URL as string);
  try {
    const probe = await openProbe(system);
    const crowd = await gatherCrowd(system.edgeUrl, probe.productIds);
    const field: Field = { system, passages, books, crowd, probe, hurts, examined: 0 };
    let survived = 0;
    const broken: string[] = [];
    for (const [index, round] of schedule(seed, rounds).entries()) {
      const recoveryMs = await hurt(field, round).catch((error) => {
        say(`#${index + 1} ${describeFault(round.fault)}: not recovered`);
        throw error;
      });
      // Behind the last round all is settled and audited anyway.
      const withAudit = (index + 1) % auditEveryRounds === 0 && index + 1 < rounds;
      broken.push(...(await (withAudit ? examineAll(field) : examineNews(field))));
      const verdict = broken.length > 0 ? "BROKEN" : withAudit ? "audit clean" : "books in order";
      say(`#${index + 1} ${describeFault(round.fault)}: recovered in ${seconds(recoveryMs)}, ${verdict}`);
      if (broken.length > 0) break;
      survived += 1;
    }
    broken.push(...(await settle(field)));
    for (const line of broken) say(`  ${line}`);
    if (broken.length > 0) keepLogs(system, say);
    say(`${survived} of ${rounds} rounds survived; ${crowd.acknowledged.length} orders acknowledged`);
    report(hurts, await books.latenesses(), crowd.troubles, say);
    return { roundsSurvived: survived, orders: crowd.acknowledged.length, broken };
  } catch (error) {
    keepLogs(system, say);
    throw error;
  } finally {
    await books.close();
    await close();
  }
}

/** For whoever has to find out why; the system itself leaves nothing behind. */
function keepLogs({ home }: ThrowawaySystem, say: (line: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "sluice-crash-logs-"));
  cpSync(home.logs, folder, { recursive: true });
  say(`the logs of all parts are in ${folder}`);
}

interface Field {
  readonly system: ThrowawaySystem;
  readonly passages: ReadonlyMap<Cuttable, Passage>;
  readonly books: Books;
  readonly crowd: Crowd;
  readonly probe: Probe;
  readonly hurts: Hurt[];
  /** So many of the acknowledged orders were looked up. */
  examined: number;
}

async function startHurtable() {
  const [vias, targets] = [await freePorts(cuttable.length), await freePorts(cuttable.length)];
  const settings: Record<string, string> = {
    ORDER_TTL_SECONDS: String(orderTtlSeconds),
    // A long campaign must not end because a token has.
    ACCESS_TOKEN_TTL_SECONDS: "86400",
    EDGE_WORKERS: "2",
    // Whether a part is ready must not hang on what it logs.
    LOG_LEVEL: "warn",
  };
  const passages = new Map<Cuttable, Passage>();
  for (const [index, part] of cuttable.entries()) {
    const [via, target] = [vias[index] as number, targets[index] as number];
    settings[`${part.toUpperCase()}_PORT`] = String(target);
    settings[viaPortVariable(part)] = String(via);
    passages.set(part, await openPassage(via, target));
  }
  const closePassages = () => Promise.all([...passages.values()].map((passage) => passage.close()));
  const system = await startThrowawaySystem(settings).catch(async (error) => {
    await closePassages();
    throw error;
  });
  const close = async () => {
    await system.close();
    await closePassages();
  };
  return { system, passages, close };
}

/** Returns how long the system took to be well again after the fault was over. */
async function hurt(field: Field, { afterMs, fault }: Round): Promise<number> {
  await delay(afterMs);
  const fromMs = Date.now();
  await inflict(field, fault);
  const healedAt = performance.now();
  await recovered(field);
  const recoveryMs = performance.now() - healedAt;
  field.hurts.push({ fault, fromMs, untilMs: Date.now(), recoveryMs });
  return recoveryMs;
}

/** Resolves when the fault is over; what was killed is dead. */
async function inflict({ system, passages }: Field, fault: Fault): Promise<void> {
  if (fault.kind === "kill") {
    const pid = system.pidOf(fault.victim);
    process.kill(pid, "SIGKILL");
    // Until its end was noticed it would pass for healthy.
    return until(`the end of ${fault.victim}`, recoveryMsMax, async () =>
      system.runs(fault.victim, pid) ? "its process is there still" : "",
    );
  }
  if (fault.kind === "pause") {
    const group = -system.pidOf(fault.victim);
    process.kill(group, "SIGSTOP");
    await delay(fault.forMs);
    process.kill(group, "SIGCONT");
    return;
  }
  const passage = passages.get(fault.victim) as Passage;
  if (fault.kind === "silence") passage.silence();
  else passage.cutOff();
  await delay(fault.forMs);
  passage.heal();
}

async function recovered({ system, probe, books }: Field): Promise<void> {
  await until("every part is healthy", recoveryMsMax, async () => {
    const parts = await systemHealth(system.settings, system.home, new Date());
    const ill = parts.filter(({ state }) => state !== "healthy");
    return ill.map(({ name, state, reason }) => `${name} is ${state} (${reason ?? ""})`).join(", ");
  });
  await until("an order can be placed", recoveryMsMax, probe.order);
  await until("the outbox is published", recoveryMsMax, async () => {
    const waiting = await books.unpublished();
    // Some are always on their way: the crowd goes on.
    return waiting > inFlightMax ? `${waiting} messages wait` : "";
  });
}

const inFlightMax = 50;

/** What was acknowledged since the books were read last. */
async function examineNews(field: Field): Promise<string[]> {
  const { books, crowd } = field;
  // A copy, taken first: what is promised while the books are read must not be missed in them.
  const news = crowd.acknowledged.slice(field.examined).map((one) => ({ ...one }));
  field.examined += news.length;
  return books.broken(news);
}

/** Everything that was ever promised, and every invariant. */
async function examineAll(field: Field): Promise<string[]> {
  field.examined = 0;
  const [audit, broken] = await Promise.all([field.system.sluice("audit"), examineNews(field)]);
  return audit.code === 0 ? broken : [...broken, `the audit ended with ${audit.code}:\n${audit.output}`];
}

/** Nobody orders any more; every unpaid order expires, and the books are closed. */
async function settle(field: Field): Promise<string[]> {
  const { books, crowd, hurts } = field;
  await crowd.close();
  await until("every unpaid order has expired", settledMsMax, async () => {
    const unpaid = await books.unpaid();
    return unpaid > 0 ? `${unpaid} are unpaid` : "";
  });
  await until("every payment and refund is decided", settledMsMax, async () => {
    const open = await books.undecided();
    return open > 0 ? `${open} are open` : "";
  });
  const stray = strayMoney(field.system.origin.PAYMENTS_STATE_FILE as string, await books.payments());
  const outages = hurts.filter(({ fault }) => expiryNeeds.includes(fault.victim));
  return [...(await examineAll(field)), ...stray, ...(await books.notInTime(outages, lateness))];
}

interface Probe {
  readonly productIds: readonly number[];
  /** Empty when an order was placed; else what stood in the way. */
  order(): Promise<string>;
}

const products = 5;

async function openProbe(system: ThrowawaySystem): Promise<Probe> {
  const ops = new Client(system.opsUrl, { authorization: `Bearer ${system.opsToken}` });
  const productIds: number[] = [];
  for (let n = 1; n <= products; n++) {
    const product = { name: `Crashed ${n}`, priceCents: 100, currency: "EUR", stock: 1_000_000 };
    const { status, body } = await ops.post("/products", product);
    if (status !== 201) throw new Error(`no product: ${status} ${JSON.stringify(body)}`);
    productIds.push(body.id);
  }
  const edge = new Client(system.edgeUrl);
  const { status, body } = await edge.post("/auth/register", {
    username: "probe",
    password: "a long password",
  });
  if (status !== 201) throw new Error(`nobody can register: ${status} ${JSON.stringify(body)}`);
  return {
    productIds,
    order: async () => {
      const wish = { lines: [{ productId: productIds[0], quantity: 1 }] };
      const headers = { "idempotency-key": `probe-${Date.now()}` };
      const answer = await edge.post("/orders", wish, { token: body.accessToken, headers });
      return answer.status === 201 ? "" : `${answer.status} ${JSON.stringify(answer.body)}`;
    },
  };
}

/** `look` says what is missing still; empty when nothing is. */
async function until(what: string, withinMs: number, look: () => Promise<string>): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    const missing = await look().catch((error: Error) => error.message);
    if (missing === "") return;
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}; ${missing}`);
    await delay(pollMs);
  }
}
