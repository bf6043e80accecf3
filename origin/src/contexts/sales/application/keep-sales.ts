import type { Clock } from "../../../kernel/clock.ts";
import { dueStatus, type Sale } from "../domain/sale.ts";
import { keeperLimits } from "./limits.ts";
import type { Admissions, Allotments, Pieces, SaleBook } from "./ports.ts";

export interface KeeperDependencies {
  readonly book: SaleBook;
  readonly allotments: Allotments;
  readonly admissions: Admissions;
  readonly clock: Clock;
  readonly info: (fields: object, message: string) => void;
}

export interface SaleKeeper {
  /** Looks after every sale that is under way; which they are. */
  keepAll(): Promise<Sale[]>;
  keepOne(saleId: number): Promise<void>;
}

/**
 * Looks after sales. What MySQL says goes into Redis, which may have been lost: how many pieces there are, what buyers
 * have got, and the latest outcomes. What clock and pieces say becomes the status. Several keepers do no harm.
 */
export function createSaleKeeper(on: KeeperDependencies): SaleKeeper {
  const { book, admissions } = on;
  /** When it was seen first that a sale has ended. */
  const endedAtMs = new Map<number, number>();

  const keep = async (sale: Sale) => {
    // First what was admitted, then what was ordered: see prepare.lua.
    const isUp = admissions.isUp();
    const admits = isUp ? await admissions.admits(sale.id) : undefined;
    const pieces = await book.piecesOf(sale.id);
    if (pieces === undefined) return;
    if (isUp && !pieces.closed) await prepare(on, sale, pieces, admits);
    await advanceStatus(on, sale, pieces);
    if (sale.status === "ENDED" && !pieces.closed) await endWhenDrained(on, sale, endedAtMs);
  };

  return {
    keepAll: async () => {
      const sales = await book.underWay();
      for (const id of endedAtMs.keys()) if (!sales.some((sale) => sale.id === id)) endedAtMs.delete(id);
      const failures: unknown[] = [];
      for (const sale of sales) await keep(sale).catch((error) => failures.push(error));
      if (failures.length > 0) throw failures[0];
      return sales;
    },
    keepOne: async (saleId) => {
      const sale = await book.find(saleId);
      if (sale !== undefined) await keep(sale);
    },
  };
}

async function prepare(
  { book, admissions, clock, info }: KeeperDependencies,
  sale: Sale,
  pieces: Pieces,
  admits: string | undefined,
): Promise<void> {
  if (admits === undefined) await giveBack({ book, admissions, clock }, sale);
  const done = await admissions.prepare(sale, pieces, admits);
  if (done !== "kept")
    info({ saleId: sale.id, available: pieces.available }, `the state of a sale was ${done}`);
}

/** Before there is a state nobody is admitted, so whoever comes first finds what they have got already. */
async function giveBack(
  { book, admissions, clock }: Pick<KeeperDependencies, "book" | "admissions" | "clock">,
  sale: Sale,
): Promise<void> {
  const { buyersPageMax, ticketsMax, ticketsYoungerMs } = keeperLimits;
  let after = 0;
  for (;;) {
    const buyers = await book.buyers(sale.id, after, buyersPageMax);
    if (buyers.length > 0) await admissions.putBuyers(sale, buyers);
    const last = buyers.at(-1);
    if (last === undefined || buyers.length < buyersPageMax) break;
    after = last.userId;
  }
  const keys = await book.keysOf(sale.id);
  const decided = await book.decidedSince(sale.id, clock() - ticketsYoungerMs, ticketsMax);
  if (keys === undefined) return;
  for (let start = 0; start < decided.length; start += buyersPageMax) {
    const some = decided.slice(start, start + buyersPageMax);
    await admissions.settle(
      sale,
      keys,
      some.map((one) => ({ entry: `${one.queueMs}-${one.queueNumber}`, decided: one })),
    );
  }
}

async function advanceStatus(on: KeeperDependencies, seen: Sale, { available }: Pieces): Promise<void> {
  const nowMs = on.clock();
  const status = dueStatus(seen, available, nowMs);
  if (status === seen.status) return;
  await on.book.transaction(async (tx) => {
    const sale = await tx.lock(seen.id);
    // Somebody was faster: the next look sees what they made of it.
    if (sale === undefined || sale.version !== seen.version) return;
    await tx.save({ ...sale, status }, { actor: "keeper", reason: reasons[status] ?? "", nowMs });
  });
}

const reasons: Partial<Record<Sale["status"], string>> = {
  OPEN: "it has started, or pieces came back",
  SOLD_OUT: "all pieces are ordered",
  ENDED: "its time is over",
};

/** Who waits in the queue of a sale that has ended may still be served, but not for long. */
async function endWhenDrained(
  { book, allotments, admissions, clock }: KeeperDependencies,
  sale: Sale,
  endedAtMs: Map<number, number>,
): Promise<void> {
  const nowMs = clock();
  const since = endedAtMs.get(sale.id) ?? nowMs;
  endedAtMs.set(sale.id, since);
  const drained =
    admissions.isUp() &&
    nowMs - since >= keeperLimits.intervalMs &&
    (await admissions.waiting(sale.id)) === 0;
  if (!drained && nowMs - since < keeperLimits.drainMs) return;
  await book.transaction((tx) =>
    allotments.close(tx.shared, sale.id, {
      actor: "keeper",
      reason: `flash sale ${sale.id} has ended`,
      nowMs,
    }),
  );
}
