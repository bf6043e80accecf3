import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { Admitted, Decided } from "../domain/ticket.ts";
import type { DecideTickets } from "./decide-tickets.ts";
import { coreLimits } from "./limits.ts";
import type { Admissions, SaleBook } from "./ports.ts";

export interface QueueEntry {
  readonly id: string;
  readonly fields: readonly string[];
  /** Undefined when nobody can read it. */
  readonly admitted: Admitted | undefined;
}

/** The queue of one sale, as one consumer sees it. */
export interface Queue {
  /** Waits a little for the first. */
  read(): Promise<QueueEntry[]>;
  /** What other consumers, or this one, have held for too long. */
  takeOver(): Promise<QueueEntry[]>;
  /** Takes one off without an outcome. */
  drop(id: string): Promise<void>;
  close(): Promise<void>;
}

export interface CoreDependencies {
  readonly book: SaleBook;
  readonly admissions: Admissions;
  readonly decide: DecideTickets;
  readonly park: (saleId: number, entry: QueueEntry, reason: string) => Promise<void>;
  readonly clock: Clock;
  readonly warn: (fields: object, message: string) => void;
}

export interface Core {
  close(): Promise<void>;
}

/** Tries of one ticket, alone, on which our code fails. */
const failuresMax = 3;

/**
 * Sells for one sale: takes batches off its queue, has them decided in MySQL, then tells the tickets. An entry leaves the
 * queue after its outcome is committed and told, so whoever dies in between leaves it to the next, who finds the outcome
 * and tells it. A service that is away holds all of them up; an entry that our code fails on is found by halves, and parked.
 */
export function startCore(saleId: number, queue: Queue, on: CoreDependencies): Core {
  let closed = false;
  let lookedAtMs = 0;
  let failing = false;

  const handle = async (entries: readonly QueueEntry[]) => {
    const readable: Readable[] = [];
    for (const entry of entries) {
      if (entry.admitted !== undefined) readable.push({ ...entry, admitted: entry.admitted });
      else await giveUp(on, saleId, queue, entry, "nobody can read it");
    }
    await decideAll(on, saleId, queue, readable);
  };

  const turn = async () => {
    const nowMs = on.clock();
    if (nowMs - lookedAtMs >= coreLimits.takeOverEveryMs) {
      const left = await queue.takeOver();
      if (left.length < coreLimits.batchMax) lookedAtMs = nowMs;
      await handle(left);
    }
    await handle(await queue.read());
  };

  const loop = async () => {
    while (!closed) {
      try {
        await turn();
        failing = false;
      } catch (error) {
        if (closed) return;
        // Once for an outage. What was read is taken over again when it is over.
        if (!failing) on.warn({ saleId, err: (error as Error).message }, "the core of a sale waits");
        failing = true;
        await delay(coreLimits.retryMs);
      }
    }
  };
  const running = loop();
  return {
    close: async () => {
      closed = true;
      await queue.close();
      await running;
    },
  };
}

type Readable = QueueEntry & { readonly admitted: Admitted };

async function decideAll(
  on: CoreDependencies,
  saleId: number,
  queue: Queue,
  entries: readonly Readable[],
  failures = 0,
): Promise<void> {
  if (entries.length === 0) return;
  let decided: Decided[];
  try {
    decided = await on.decide(
      saleId,
      entries.map(({ admitted }) => admitted),
    );
  } catch (error) {
    // A service is away: that is everybody's trouble.
    if (error instanceof Refusal) throw error;
    const half = entries.length >> 1;
    if (half > 0) {
      await decideAll(on, saleId, queue, entries.slice(0, half));
      return decideAll(on, saleId, queue, entries.slice(half));
    }
    if (failures + 1 < failuresMax) return decideAll(on, saleId, queue, entries, failures + 1);
    return giveUp(on, saleId, queue, entries[0] as Readable, String(error));
  }
  await settle(
    on,
    saleId,
    entries.map(({ id }, index) => ({ entry: id, decided: decided[index] as Decided })),
  );
}

/** Parks the entry for a person to look at; its ticket, if it has one, is turned down. */
async function giveUp(
  on: CoreDependencies,
  saleId: number,
  queue: Queue,
  entry: QueueEntry,
  reason: string,
): Promise<void> {
  await on.park(saleId, entry, reason);
  on.warn({ saleId, entry: entry.id, reason }, "an entry of a sale's queue is parked");
  if (entry.admitted === undefined) return queue.drop(entry.id);
  const decided = await turnDown(on.book, saleId, entry.admitted, "failed", on.clock());
  await settle(on, saleId, [{ entry: entry.id, decided }]);
}

/** Decides against a ticket, unless it is decided already. */
export async function turnDown(
  book: SaleBook,
  saleId: number,
  admitted: Admitted,
  reason: "failed" | "lost" | "late",
  nowMs: number,
): Promise<Decided> {
  const decided: Decided = {
    ...admitted,
    ...{ outcome: "REJECTED", reason, orderId: undefined, paysUntilMs: undefined, decidedAtMs: nowMs },
  };
  const kept = await book.transaction((tx) => tx.keepDecided(saleId, [decided]));
  return kept ? decided : ((await book.ticket(saleId, admitted.ticket)) ?? decided);
}

async function settle(
  { book, admissions }: CoreDependencies,
  saleId: number,
  settled: readonly { entry: string; decided: Decided }[],
): Promise<void> {
  const [sale, keys] = await Promise.all([book.find(saleId), book.keysOf(saleId)]);
  if (sale === undefined || keys === undefined) throw new Error(`there is no sale ${saleId}`);
  await admissions.settle(sale, keys, settled);
}
