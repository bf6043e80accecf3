import { Refusal } from "../../../kernel/errors.ts";
import { mergeLines } from "../domain/order.ts";
import { orderingErrors } from "../errors.ts";
import { type Draft, firstShort, type Placement } from "./draft-orders.ts";
import { orderLimits } from "./limits.ts";
import { type Claim, claimName, type KeptAnswer, type OrderTransaction } from "./ports.ts";
import { inFlight, soldOut, tooManyUnpaid } from "./refusals.ts";
import { writeOrders } from "./write-orders.ts";

export type Verdict =
  | { readonly outcome: "placed" | "replayed"; readonly answer: { status: number; body: string } }
  | { readonly outcome: "refused"; readonly error: unknown };

/** Buyers and stock are locked first and dealt out; else it is tried whether there is enough for all. */
export type How = "all" | "deal-out";

/** There was not enough for all of a batch. */
export class Short extends Error {}

/** One transaction of a batch; a verdict for each of its orders. */
export async function writeAll(
  tx: OrderTransaction,
  drafts: readonly Draft[],
  how: How,
  unpaidMax: number,
): Promise<Map<Draft, Verdict>> {
  const decided = new Map<Draft, Verdict>();
  await recallAnswers(tx, drafts, decided);
  if (how === "deal-out") await dealOut(tx, undecided(drafts, decided), unpaidMax, decided);
  const placed = undecided(drafts, decided);
  if (placed.length > 0) await write(tx, placed, unpaidMax);
  for (const draft of placed) decided.set(draft, { outcome: "placed", answer: draft.answer });
  return decided;
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

export function mergedLines(drafts: readonly Draft[]) {
  return mergeLines(drafts.flatMap(({ order }) => order.lines));
}

export function claimsOf(some: readonly { readonly placement: Placement }[]): Claim[] {
  return some.flatMap(({ placement: { claim } }) => (claim === undefined ? [] : [claim]));
}

export function replay({ fingerprint, status, body }: KeptAnswer, placement: Placement): Verdict {
  if (fingerprint === placement.fingerprint) return { outcome: "replayed", answer: { status, body } };
  return { outcome: "refused", error: new Refusal(orderingErrors.keyReused) };
}
