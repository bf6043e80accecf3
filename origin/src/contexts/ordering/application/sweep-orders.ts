import type { Clock } from "../../../kernel/clock.ts";
import { expiryLimits } from "./limits.ts";
import type { DueOrder, OrderBook } from "./ports.ts";
import { unlessRefused } from "./refusals.ts";

export interface FailedExpiry {
  readonly orderId: string;
  readonly error: unknown;
}

export interface Swept {
  readonly expired: number;
  /** Those that were tried this time, one by one, and can't be expired. */
  readonly failed: readonly FailedExpiry[];
}

/**
 * Goes through everything that is due, whatever the broker did or lost, in batches of one transaction each. A batch that
 * breaks an invariant is put apart until all others are done; then it is halved, and halved again, until who is to blame
 * stands alone. Those are remembered, and tried again after a time that doubles, each on its own: so however many there
 * are, they cost the others a line that is read and no transaction.
 *
 *     due ──▶ batch ──▶ expired
 *               │ fails                      ┌──▶ expired
 *               └──▶ apart ──halves──▶ alone ┴──▶ stuck ──its time──▶ alone
 */
export function createSweepOrders(deps: {
  book: Pick<OrderBook, "findDue">;
  clock: Clock;
  /** In one transaction; how many it expired. */
  expire: (orderIds: readonly string[]) => Promise<number>;
}): () => Promise<Swept> {
  const { book, clock, expire } = deps;
  let stuck: ReadonlyMap<string, Stuck> = new Map();

  return async () => {
    const nowMs = clock();
    const failed: FailedExpiry[] = [];
    const known = new Map<string, Stuck>();
    const apart: (readonly string[])[] = [];
    let expired = 0;

    const attempt = async (group: readonly string[]): Promise<unknown> => {
      try {
        expired += await expire(group);
        return undefined;
      } catch (error) {
        return unlessRefused(error);
      }
    };
    /** More would not be looked at in this sweep. */
    const isFull = () => apart.length >= expiryLimits.separationsMax;
    /** Of a group that has failed. */
    const separate = (group: readonly string[], error: unknown) => {
      const [orderId = ""] = group;
      if (group.length > 1) return void apart.push(...halvesOf(group));
      failed.push({ orderId, error });
      if (known.size < expiryLimits.stuckMax) known.set(orderId, stuckOnceMore(stuck.get(orderId), clock()));
    };

    for await (const page of pagesOfDue(book, nowMs)) {
      const fresh: string[] = [];
      for (const { id } of page) {
        const before = stuck.get(id);
        if (before === undefined) fresh.push(id);
        else if (before.againAtMs > nowMs || isFull()) known.set(id, before);
        else apart.push([id]);
      }
      for (const batch of batchesOf(fresh)) {
        const error = await attempt(batch);
        if (error !== undefined && !isFull()) separate(batch, error);
      }
    }
    for (let tries = 0; tries < expiryLimits.separationsMax; tries++) {
      const group = apart.shift();
      if (group === undefined) break;
      const error = await attempt(group);
      if (error !== undefined) separate(group, error);
    }
    // What there was no time for is found again by the next sweep; who stood alone before does so still.
    for (const [id = ""] of apart) {
      const before = stuck.get(id);
      if (before !== undefined) known.set(id, before);
    }
    stuck = known;
    return { expired, failed };
  };
}

interface Stuck {
  readonly tries: number;
  readonly againAtMs: number;
}

function stuckOnceMore(before: Stuck | undefined, nowMs: number): Stuck {
  const tries = (before?.tries ?? 0) + 1;
  const waitMs = expiryLimits.stuckRetryMs * 2 ** Math.min(tries - 1, 20);
  return { tries, againAtMs: nowMs + Math.min(waitMs, expiryLimits.stuckRetryMaxMs) };
}

/** All that is due at the beginning: what falls due meanwhile is the next sweep's, so there is an end. */
async function* pagesOfDue(book: Pick<OrderBook, "findDue">, nowMs: number): AsyncGenerator<DueOrder[]> {
  for (let after: DueOrder | undefined; ; ) {
    const page = await book.findDue(nowMs, expiryLimits.lookMax, after);
    yield page;
    if (page.length < expiryLimits.lookMax) return;
    after = page.at(-1);
  }
}

function batchesOf(orderIds: readonly string[]): (readonly string[])[] {
  const batches: (readonly string[])[] = [];
  for (let start = 0; start < orderIds.length; start += expiryLimits.batchMax) {
    batches.push(orderIds.slice(start, start + expiryLimits.batchMax));
  }
  return batches;
}

function halvesOf(group: readonly string[]): [readonly string[], readonly string[]] {
  const half = group.length >> 1;
  return [group.slice(0, half), group.slice(half)];
}
