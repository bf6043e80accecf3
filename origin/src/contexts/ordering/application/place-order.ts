import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Clock } from "../../../kernel/clock.ts";
import type { Refusal } from "../../../kernel/errors.ts";
import { groupCommit } from "../../../kernel/group-commit.ts";
import type { NewId } from "../../../kernel/ids.ts";
import { mergeLines, type RequestedLine } from "../domain/order.ts";
import { orderingErrors } from "../errors.ts";
import type { Placement } from "./draft-orders.ts";
import { orderLimits } from "./limits.ts";
import { createPlaceTogether, type Held } from "./place-together.ts";
import { claimName, type OrderBook, type ProductDirectory } from "./ports.ts";
import { inFlight, outcomeUnknown } from "./refusals.ts";
import type { Verdict } from "./write-drafts.ts";

export interface PlaceOrder {
  readonly userId: number;
  readonly lines: readonly RequestedLine[];
  readonly idempotencyKey: string | undefined;
}

/** As text: a replay gives the same bytes. */
export interface PlacedAnswer {
  readonly status: number;
  readonly body: string;
  readonly replayed: boolean;
}

/**
 * Places an order, together with others that come at the same time: one transaction for all of them (see
 * place-together.ts), and yet a verdict for each. A commit is what costs, and a hot product's row is locked
 * once for all who want it.
 *
 * Only an order that was placed is kept under its key. A refusal writes nothing, so the same key may try
 * again. While a key is being worked on here, or in another process, the same key is refused.
 *
 * Everybody hears within a bound of time. Who waits for a transaction for too long is refused, and out of it for good. Who
 * is in one that takes too long hears that nobody knows yet: to repeat it with the same key is safe then.
 */
export function createPlaceOrder(deps: {
  book: OrderBook;
  products: ProductDirectory;
  clock: Clock;
  newId: NewId;
  orderTtlMs: number;
  /** Orders that one user may have unpaid at a time. */
  unpaidMax: number;
}) {
  const placeSome = createPlaceTogether(deps);
  const bounds = {
    waitingMax: orderLimits.placingQueueMax,
    waitMaxMs: orderLimits.placingWaitMs,
    crowded: orderingErrors.crowded,
  };
  const together = groupCommit<Placement, Verdict | Held>((batch) => placeSome(batch, "together"), {
    ...bounds,
    batchMax: orderLimits.placedTogetherMax,
    runningMax: orderLimits.placingMax,
    patienceMs: orderLimits.placingPatienceMs,
  });
  const apart = groupCommit<Placement, Verdict | Held>((batch) => placeSome(batch, "apart"), {
    ...bounds,
    batchMax: orderLimits.apartMax,
    runningMax: 1,
    patienceMs: orderLimits.placingPatienceMs,
  });
  const place = async (placement: Placement): Promise<Verdict> => {
    const first = await together(placement);
    const verdict = first.outcome === "held" ? await apart(placement) : first;
    assert(verdict.outcome !== "held", "what is placed apart is decided there");
    return verdict;
  };
  const keysInHand = new Set<string>();

  return async ({ userId, lines: asked, idempotencyKey: key }: PlaceOrder): Promise<PlacedAnswer> => {
    const lines = mergeLines(asked);
    const claim = key === undefined ? undefined : { userId, key };
    const placement: Placement = { userId, lines, claim, fingerprint: fingerprintOf(lines) };
    if (claim === undefined) return answerOf(await inTime(place(placement), outcomeUnknown(false)));
    const name = claimName(claim);
    if (keysInHand.has(name)) throw inFlight();
    keysInHand.add(name);
    // Until it has really come to an end: whoever repeats it before hears that it is in flight, and after, what became of it.
    const placing = place(placement).finally(() => keysInHand.delete(name));
    return answerOf(await inTime(placing, outcomeUnknown(true)));
  };
}

/** The work goes on to its own end; it is the answer that nobody waits for any longer. */
async function inTime<T>(work: Promise<T>, tooLate: Refusal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, orderLimits.placingAnswerMs, tooLate);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function answerOf(verdict: Verdict): PlacedAnswer {
  switch (verdict.outcome) {
    case "placed":
      return { ...verdict.answer, replayed: false };
    case "replayed":
      return { ...verdict.answer, replayed: true };
    case "refused":
      throw verdict.error;
  }
}

/** Of what the request means, so that white space or the order of lines don't matter. */
function fingerprintOf(lines: readonly RequestedLine[]): string {
  return createHash("sha256")
    .update(`POST /orders ${JSON.stringify(lines)}`)
    .digest("hex");
}
