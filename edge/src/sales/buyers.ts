import { createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import type { HeldSale } from "./sales.ts";

/**
 * Buyers who have all that one may have, as this worker learnt of Redis. With the sale's version, because a change may
 * let them buy more. Twice as many are remembered at most, by about 100 bytes each.
 */
const BUYERS_MAX = 100_000;
const full = createGenerationalMap<number>(BUYERS_MAX);

export function hasAll(sale: HeldSale, userId: string): boolean {
  return getFrom(full, `${sale.id} ${userId}`) === sale.document.version;
}

export function noteHasAll(sale: HeldSale, userId: string): void {
  putInto(full, `${sale.id} ${userId}`, sale.document.version);
}
