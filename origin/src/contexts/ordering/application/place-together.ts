import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import { orderingErrors } from "../errors.ts";
import { createDraftOrders, type Draft, type Placement } from "./draft-orders.ts";
import { createHeldRows, needs, rowsOf } from "./held-rows.ts";
import { orderLimits } from "./limits.ts";
import { claimName, type OrderBook, type ProductDirectory } from "./ports.ts";
import { rowHeld } from "./refusals.ts";
import { claimsOf, type How, mergedLines, replay, Short, type Verdict, writeAll } from "./write-drafts.ts";

/** Not decided: somebody else holds a row that the order needs. */
export interface Held {
  readonly outcome: "held";
}

/** Apart: with nobody but those who need the same row, and without a further try. */
export type Where = "together" | "apart";

/**
 * Places orders in one transaction: the keys with their answers, the orders, their expiry messages, and last
 * the stock, one conditional update with the sums of all. Last, because a hot product's row is what everybody
 * waits for: so it is held for one statement and the commit, not for the whole transaction.
 *
 * The verdict is each order's own:
 *
 * - the stock does not suffice for all, or somebody would have more unpaid orders than one may have: rolled back,
 *   and once more with buyers and stock locked first, so that they can be dealt out in the order of arrival
 * - one of the keys is in the hands of another process, or something breaks that nobody has foreseen: rolled
 *   back, and in halves, until whoever is to blame stands alone; at most 2 log2 n transactions more for each
 * - somebody else holds a row of a product or of a buyer: rolled back after a second, and the others go on without those
 *   who need it. They are `held`: to be placed apart, where nobody who does not need that row waits with them
 * - the database is away: that is the verdict for all
 */
export function createPlaceTogether(deps: {
  book: OrderBook;
  products: ProductDirectory;
  clock: Clock;
  newId: NewId;
  orderTtlMs: number;
  unpaidMax: number;
}) {
  const { book, clock, unpaidMax } = deps;
  const settle = createSettle(book, unpaidMax);
  const draftOrders = createDraftOrders(deps);

  return async (batch: readonly Placement[], where: Where = "together"): Promise<(Verdict | Held)[]> => {
    const nowMs = clock();
    const drafted = await draftOrders(batch, nowMs);
    const drafts: Draft[] = [];
    const hopeless: { placement: Placement; error: unknown }[] = [];
    for (const one of drafted) {
      if (one.outcome === "drafted") drafts.push(one.draft);
      else hopeless.push(one);
    }
    const verdicts = new Map<Placement, Verdict | Held>();
    const settled = await settle(drafts, where);
    for (const draft of drafts) verdicts.set(draft.placement, settled.get(draft) as Verdict | Held);
    // The first request may have come through before the product was sold out, or taken off the shop.
    const kept = await book.findAnswers(claimsOf(hopeless), nowMs - orderLimits.idempotencyTtlMs);
    for (const { placement, error } of hopeless) {
      const answer = placement.claim === undefined ? undefined : kept.get(claimName(placement.claim));
      verdicts.set(
        placement,
        answer === undefined ? { outcome: "refused", error } : replay(answer, placement),
      );
    }
    return batch.map((placement) => verdicts.get(placement) as Verdict | Held);
  };
}

/** Writes drafts, and finds out who is to blame when they can't be written. */
function createSettle(book: OrderBook, unpaidMax: number) {
  const held = createHeldRows();
  type Verdicts = Map<Draft, Verdict | Held>;

  const refuse = (drafts: readonly Draft[], error: unknown): Verdicts =>
    new Map(drafts.map((draft) => [draft, { outcome: "refused", error }]));
  const putAside = (drafts: readonly Draft[]): Verdicts =>
    new Map(drafts.map((draft) => [draft, { outcome: "held" }]));

  /** `waits`: how often it may still be waited for a row. */
  const write = async (drafts: readonly Draft[], how: How, waits: number): Promise<Verdicts> => {
    if (drafts.length === 0) return new Map();
    try {
      const written = await book.placing((tx) => writeAll(tx, drafts, how, unpaidMax));
      return written === "held" ? await withoutHeld(drafts, how, waits - 1) : written;
    } catch (error) {
      if (error instanceof Short && how === "all") return write(drafts, "deal-out", waits);
      if (drafts.length === 1 || isOutage(error)) return refuse(drafts, error);
      const half = drafts.length >> 1;
      const first = await write(drafts.slice(0, half), how, waits);
      return new Map([...first, ...(await write(drafts.slice(half), how, waits))]);
    }
  };

  const withoutHeld = async (drafts: readonly Draft[], how: How, waits: number): Promise<Verdicts> => {
    const rows = await book.findHeld({
      productIds: mergedLines(drafts).map(({ productId }) => productId),
      userIds: [...new Set(drafts.map(({ order }) => order.userId))],
    });
    held.note(rows);
    const { aside = [], free = [] } = Object.groupBy(drafts, (draft) =>
      needs(rows, draft) ? "aside" : "free",
    );
    const rest = waits > 0 ? await write(free, how, waits) : putAside(free);
    return new Map([...putAside(aside), ...rest]);
  };

  const together = async (drafts: readonly Draft[]): Promise<Verdicts> => {
    const { aside = [], free = [] } = Object.groupBy(drafts, (draft) =>
      held.neededBy(draft) === undefined ? "free" : "aside",
    );
    return new Map([...putAside(aside), ...(await write(free, "all", orderLimits.placingWaitsMax))]);
  };

  const apart = async (drafts: readonly Draft[]): Promise<Verdicts> => {
    const groups = Map.groupBy(drafts, (draft) => held.neededBy(draft) ?? rowsOf(draft).join());
    const written = await Promise.all([...groups.values()].map((group) => write(group, "all", 1)));
    const verdicts: Verdicts = new Map(written.flatMap((group) => [...group]));
    const done = drafts.filter((draft) => verdicts.get(draft)?.outcome !== "held");
    held.forget(done);
    return new Map([
      ...verdicts,
      ...refuse(
        drafts.filter((draft) => !done.includes(draft)),
        rowHeld(),
      ),
    ]);
  };

  return (drafts: readonly Draft[], where: Where) => (where === "apart" ? apart(drafts) : together(drafts));
}

/** A refusal of the platform concerns everybody; a key that is in flight concerns one of them. */
function isOutage(error: unknown): boolean {
  return error instanceof Refusal && error.definition !== orderingErrors.keyInFlight;
}
