import { ADMITTED_IN_ORDER_MS } from "@sluice/contract/sale.ts";

/** How far the queue kept to the order of arrival. */
export interface Fairness {
  /** Tickets that were served, in the order of the queue. */
  readonly served: number;
  /** Share of those behind somebody who arrived later, by more than {@link ADMITTED_IN_ORDER_MS}. */
  readonly overtaken: number;
  /** By how much they were overtaken at most, ms. */
  readonly overtakenMsP99: number;
  readonly overtakenMsMax: number;
  /** Of pairs of neighbours in the queue, the share in the order of arrival. */
  readonly inOrder: number;
}

export function fairnessOf(arrivals: readonly number[]): Fairness {
  let latest = Number.NEGATIVE_INFINITY;
  let inOrder = 0;
  const overtakenBy = arrivals.map((arrival, index) => {
    const before = arrivals[index - 1];
    if (before === undefined || before <= arrival) inOrder += 1;
    const by = Math.max(0, latest - arrival);
    latest = Math.max(latest, arrival);
    return by;
  });
  const sorted = overtakenBy.toSorted((a, b) => a - b);
  const served = arrivals.length;
  const share = (count: number) => (served === 0 ? 0 : count / served);
  return {
    served,
    overtaken: share(overtakenBy.filter((by) => by > ADMITTED_IN_ORDER_MS).length),
    overtakenMsP99: sorted[Math.floor(served * 0.99)] ?? 0,
    overtakenMsMax: sorted.at(-1) ?? 0,
    inOrder: served === 0 ? 1 : share(inOrder),
  };
}
