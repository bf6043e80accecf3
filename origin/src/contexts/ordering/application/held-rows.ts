import type { Draft } from "./draft-orders.ts";
import { orderLimits } from "./limits.ts";
import type { HeldRows } from "./ports.ts";

/**
 * Rows that somebody else has had for longer than orders wait. They are remembered for a while, so that no further batch
 * waits for them: orders that need one are placed apart. Whether it is held is only known of a moment, and a row that
 * many want is often held by one of them; so to be remembered by mistake costs a detour and nothing else.
 */
export interface HeldRowsMemory {
  note(held: HeldRows): void;
  forget(drafts: readonly Draft[]): void;
  /** The row on account of which an order is to be placed apart. */
  neededBy(draft: Draft): string | undefined;
}

export function createHeldRows(): HeldRowsMemory {
  const untilMs = new Map<string, number>();
  return {
    note: ({ productIds, userIds }) => {
      const nowMs = performance.now();
      for (const [row, until] of untilMs) if (until <= nowMs) untilMs.delete(row);
      for (const row of [...productIds.map(productRow), ...userIds.map(buyerRow)]) {
        if (untilMs.size < orderLimits.heldRowsMax) untilMs.set(row, nowMs + orderLimits.heldRowsMs);
      }
    },
    forget: (drafts) => {
      for (const row of drafts.flatMap(rowsOf)) untilMs.delete(row);
    },
    neededBy: (draft) => {
      if (untilMs.size === 0) return undefined;
      const nowMs = performance.now();
      return rowsOf(draft).find((row) => (untilMs.get(row) ?? 0) > nowMs);
    },
  };
}

/** Whether one of these rows is needed. */
export function needs(held: HeldRows, { order: { userId, lines } }: Draft): boolean {
  return held.userIds.includes(userId) || lines.some(({ productId }) => held.productIds.includes(productId));
}

export function rowsOf({ order: { userId, lines } }: Draft): string[] {
  return [buyerRow(userId), ...lines.map(({ productId }) => productRow(productId))];
}

function productRow(id: number): string {
  return `product ${id}`;
}

function buyerRow(id: number): string {
  return `buyer ${id}`;
}
