import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import { mergeLines } from "../domain/order.ts";
import { orderingErrors } from "../errors.ts";
import { createDraftOrders, type Draft, firstShort, type Placement } from "./draft-orders.ts";
import { orderLimits } from "./limits.ts";
import {
  type Claim,
  claimName,
  type KeptAnswer,
  type OrderBook,
  type OrderTransaction,
  type ProductDirectory,
} from "./ports.ts";
import { inFlight, soldOut, tooManyUnpaid } from "./refusals.ts";
import { writeOrders } from "./write-orders.ts";

export type Verdict =
  | { readonly outcome: "placed" | "replayed"; readonly answer: { status: number; body: string } }
  | { readonly outcome: "refused"; readonly error: unknown };

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
  const draftOrders = createDraftOrders(deps);

  return async (batch: readonly Placement[]): Promise<Verdict[]> => {
    const nowMs = clock();
    const drafted = await draftOrders(batch, nowMs);
    const drafts: Draft[] = [];
    const hopeless: { placement: Placement; error: unknown }[] = [];
    for (const one of drafted) {
      if (one.outcome === "drafted") drafts.push(one.draft);
      else hopeless.push(one);
    }
    const verdicts = new Map<Placement, Verdict>();
    const settled = await settle(book, drafts, { dealOut: false, unpaidMax });
    for (const [index, { placement }] of drafts.entries()) verdicts.set(placement, settled[index] as Verdict);
    // The first request may have come through before the product was sold out, or taken off the shop.
    const kept = await book.findAnswers(claimsOf(hopeless), nowMs - orderLimits.idempotencyTtlMs);
    for (const { placement, error } of hopeless) {
      const answer = placement.claim === undefined ? undefined : kept.get(claimName(placement.claim));
      verdicts.set(
        placement,
        answer === undefined ? { outcome: "refused", error } : replay(answer, placement),
      );
    }
    return batch.map((placement) => verdicts.get(placement) as Verdict);
  };
}

interface How {
  /** Buyers and stock are locked first and dealt out; else it is tried whether there is enough for all. */
  readonly dealOut: boolean;
  readonly unpaidMax: number;
}

/** There was not enough for all of a batch. */
class Short extends Error {}

async function settle(book: OrderBook, drafts: readonly Draft[], how: How): Promise<Verdict[]> {
  if (drafts.length === 0) return [];
  try {
    return await book.transaction((tx) => writeAll(tx, drafts, how));
  } catch (error) {
    if (error instanceof Short && !how.dealOut) return settle(book, drafts, { ...how, dealOut: true });
    const alone = drafts.length === 1;
    if (alone || isOutage(error)) return drafts.map(() => ({ outcome: "refused", error }));
    const half = drafts.length >> 1;
    const first = await settle(book, drafts.slice(0, half), how);
    return [...first, ...(await settle(book, drafts.slice(half), how))];
  }
}

/** A refusal of the platform concerns everybody; a key that is in flight concerns one of them. */
function isOutage(error: unknown): boolean {
  return error instanceof Refusal && error.definition !== orderingErrors.keyInFlight;
}

async function writeAll(tx: OrderTransaction, drafts: readonly Draft[], how: How): Promise<Verdict[]> {
  const decided = new Map<Draft, Verdict>();
  await recallAnswers(tx, drafts, decided);
  if (how.dealOut) await dealOut(tx, undecided(drafts, decided), how.unpaidMax, decided);
  const placed = undecided(drafts, decided);
  if (placed.length > 0) await write(tx, placed, how.unpaidMax);
  for (const draft of placed) decided.set(draft, { outcome: "placed", answer: draft.answer });
  return drafts.map((draft) => decided.get(draft) as Verdict);
}

function undecided(drafts: readonly Draft[], decided: ReadonlyMap<Draft, Verdict>): Draft[] {
  return drafts.filter((draft) => !decided.has(draft));
}

/** Decides on those whose key has got an answer before. */
async function recallAnswers(
  tx: OrderTransaction,
  drafts: readonly Draft[],
  decided: Map<Draft, Verdict>,
): Promise<void> {
  const kept = await tx.lockAnswers(claimsOf(drafts));
  if (kept === "in-flight") throw inFlight();
  const outdated: Claim[] = [];
  for (const draft of drafts) {
    const { claim } = draft.placement;
    const answer = claim === undefined ? undefined : kept.get(claimName(claim));
    if (claim === undefined || answer === undefined) continue;
    if (answer.createdAtMs > draft.change.nowMs - orderLimits.idempotencyTtlMs) {
      decided.set(draft, replay(answer, draft.placement));
    } else outdated.push(claim);
  }
  await tx.dropAnswers(outdated);
}

/** Who came first is served first; whoever finds too little is refused, and leaves it to those after. */
async function dealOut(
  tx: OrderTransaction,
  drafts: readonly Draft[],
  unpaidMax: number,
  decided: Map<Draft, Verdict>,
): Promise<void> {
  const userIds = [...new Set(drafts.map(({ order }) => order.userId))].sort((a, b) => a - b);
  const unpaid = new Map(await tx.lockUnpaid(userIds));
  const left = new Map(await tx.lockAvailable(mergedLines(drafts).map(({ productId }) => productId)));
  for (const draft of drafts) {
    const { lines, userId } = draft.order;
    const own = unpaid.get(userId) ?? 0;
    const short = firstShort(lines, left);
    if (own >= unpaidMax) decided.set(draft, { outcome: "refused", error: tooManyUnpaid(unpaidMax) });
    else if (short !== undefined) decided.set(draft, { outcome: "refused", error: soldOut(short) });
    else {
      unpaid.set(userId, own + 1);
      for (const { productId, quantity } of lines) left.set(productId, (left.get(productId) ?? 0) - quantity);
    }
  }
}

async function write(tx: OrderTransaction, drafts: readonly Draft[], unpaidMax: number): Promise<void> {
  const claims = drafts.flatMap(({ placement: { claim }, answer }) =>
    claim === undefined ? [] : [{ ...claim, answer }],
  );
  if (!(await tx.keepAnswers(claims))) throw inFlight();
  const unpaid = await writeOrders(tx, drafts);
  for (const count of unpaid.values()) if (count > unpaidMax) throw new Short();
  if (!(await tx.moveStock("RESERVE", mergedLines(drafts)))) throw new Short();
}

function mergedLines(drafts: readonly Draft[]) {
  return mergeLines(drafts.flatMap(({ order }) => order.lines));
}

function claimsOf(some: readonly { readonly placement: Placement }[]): Claim[] {
  return some.flatMap(({ placement: { claim } }) => (claim === undefined ? [] : [claim]));
}

function replay({ fingerprint, status, body }: KeptAnswer, placement: Placement): Verdict {
  if (fingerprint === placement.fingerprint) return { outcome: "replayed", answer: { status, body } };
  return { outcome: "refused", error: new Refusal(orderingErrors.keyReused) };
}
