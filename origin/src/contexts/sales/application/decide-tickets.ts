import type { Clock } from "../../../kernel/clock.ts";
import type { PlacedFromAllotment } from "../../ordering/public.ts";
import type { Sale } from "../domain/sale.ts";
import type { Admitted, Decided } from "../domain/ticket.ts";
import type { Allotments, SaleBook, SaleTransaction } from "./ports.ts";

/** Somebody else decided on one of them, or sold to one of the buyers, in the same moment. */
class Overlap extends Error {}

/** Of two who overlap one sees at the second try what the other has committed. */
const overlapsMax = 3;

export type DecideTickets = (saleId: number, admitted: readonly Admitted[]) => Promise<Decided[]>;

/**
 * Decides tickets of one sale, in the order of the queue, in one transaction: orders with all that belongs to them, what
 * each buyer has got, and the outcome of each ticket. MySQL alone decides: what Redis thought when it admitted them may
 * be wrong in any way. A ticket that is decided keeps its outcome, so doing it again does no harm.
 */
export function createDecideTickets({
  book,
  allotments,
  clock,
}: {
  book: SaleBook;
  allotments: Allotments;
  clock: Clock;
}): DecideTickets {
  const decide = async (sale: Sale, admitted: readonly Admitted[]) =>
    book.transaction(async (tx) => {
      const fresh = new Map(admitted.map((one) => [one.ticket, one]));
      const known = await tx.decided(sale.id, [...fresh.keys()]);
      for (const { ticket } of known) fresh.delete(ticket);
      const decided = await decideFresh(tx, sale, [...fresh.values()]);
      const byTicket = new Map([...known, ...decided].map((one) => [one.ticket, one]));
      return admitted.map(({ ticket }) => byTicket.get(ticket) as Decided);
    });

  const decideFresh = async (tx: SaleTransaction, sale: Sale, fresh: readonly Admitted[]) => {
    if (fresh.length === 0) return [];
    const nowMs = clock();
    const got = new Map(await tx.lockBuyers(sale.id, usersOf(fresh)));
    const within = fresh.filter(({ userId, quantity }) => {
      const pieces = (got.get(userId) ?? 0) + quantity;
      if (pieces > sale.perUserMax) return false;
      got.set(userId, pieces);
      return true;
    });
    const placed = await allotments.place(
      tx.shared,
      sale.id,
      within.map(({ userId, quantity, ticket }) => ({
        ...{ userId, quantity, currency: sale.currency, unitPriceCents: sale.priceCents },
        reason: `flash sale ${sale.id}, ticket ${ticket}`,
      })),
      { nowMs },
    );
    const verdicts = new Map(within.map((one, index) => [one, placed[index] as PlacedFromAllotment]));
    const decided = fresh.map(
      (one): Decided => ({ ...one, ...outcomeOf(verdicts.get(one)), decidedAtMs: nowMs }),
    );
    const after = await tx.addToBuyers(sale.id, sumsOf(decided));
    for (const pieces of after.values()) if (pieces > sale.perUserMax) throw new Overlap();
    if (!(await tx.keepDecided(sale.id, decided))) throw new Overlap();
    return decided;
  };

  return async (saleId, admitted) => {
    if (admitted.length === 0) return [];
    for (let tries = 1; ; tries++) {
      try {
        const sale = await book.find(saleId);
        if (sale === undefined) throw new Error(`there is no sale ${saleId}`);
        return await decide(sale, admitted);
      } catch (error) {
        if (!(error instanceof Overlap) || tries === overlapsMax) throw error;
      }
    }
  };
}

function outcomeOf(
  placed: PlacedFromAllotment | undefined,
): Pick<Decided, "outcome" | "reason" | "orderId" | "paysUntilMs"> {
  const nothing = { orderId: undefined, paysUntilMs: undefined };
  switch (placed?.outcome) {
    case undefined:
      return { ...nothing, outcome: "LIMIT", reason: "" };
    case "placed":
      return {
        ...{ outcome: "CONFIRMED", reason: "" },
        ...{ orderId: placed.orderId, paysUntilMs: placed.expiresAtMs },
      };
    case "sold-out":
      return { ...nothing, outcome: "SOLD_OUT", reason: "" };
    case "closed":
      return { ...nothing, outcome: "REJECTED", reason: "ended" };
    case "too-many-unpaid":
      return { ...nothing, outcome: "REJECTED", reason: "too_many_unpaid" };
  }
}

function usersOf(some: readonly Admitted[]): number[] {
  return [...new Set(some.map(({ userId }) => userId))].sort((a, b) => a - b);
}

function sumsOf(decided: readonly Decided[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { outcome, userId, quantity } of decided) {
    if (outcome === "CONFIRMED") sums.set(userId, (sums.get(userId) ?? 0) + quantity);
  }
  return sums;
}
