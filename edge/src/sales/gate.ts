import { CHALLENGE_TTL_MS } from "@sluice/contract/sale.ts";
import { isLive } from "../changes/liveness.ts";
import type { Refusal } from "../phases/verdicts.ts";
import { nowMs } from "../platform/clock.ts";
import { noteRetryAfter } from "../platform/request.ts";
import {
  SALE_COUNTRY_REFUSED,
  SALE_HAS_ENDED,
  SALE_IS_PAUSED,
  SALE_IS_SOLD_OUT,
  SALE_NOT_OPEN_YET,
  SALE_NOT_THERE,
  SALE_OUT_OF_REACH,
} from "./refusals.ts";
import { type HeldSale, saleByPath, statusOf } from "./sales.ts";

/** What the gate is asked for: a challenge, or to let somebody buy with one. */
export type GateKind = "challenge" | "purchase";

export const PAUSED_RETRY_SECONDS = 5;

/**
 * The gate, in the set phase and before the token: a sale that lets nobody in refuses everybody alike, for the price of a
 * look into this worker's memory. Whoever was let in before it closed, and did not hear of it, comes again with the same
 * challenge: for as long as challenges of that time are good, purchases pass, and the access phase looks for their
 * ticket before it refuses.
 *
 * @hot
 */
export function gateRefusal(kind: GateKind, path: string, country: string): Refusal | undefined {
  if (!isLive()) return SALE_OUT_OF_REACH;
  const sale = saleByPath(path);
  if (sale === undefined || sale.document.status === "DRAFT") return SALE_NOT_THERE;
  const refusal = refusalOf(sale, country);
  if (refusal === undefined || kind === "challenge") return refusal;
  return mayHaveTickets(sale) ? undefined : refusal;
}

/**
 * Why nobody from that country is let in now, but for what only Redis knows.
 *
 * @hot
 */
export function refusalOf(sale: HeldSale, country: string): Refusal | undefined {
  const status = statusOf(sale);
  if (status === "OPEN") {
    if (!sale.anyCountry && sale.countries.get(country) === undefined) return SALE_COUNTRY_REFUSED;
    if (nowMs() < sale.soldOutUntilMs) return SALE_IS_SOLD_OUT;
    return undefined;
  }
  if (sale.refusingSinceMs === 0) sale.refusingSinceMs = nowMs();
  if (status === "SOLD_OUT") return SALE_IS_SOLD_OUT;
  if (status === "ENDED") return SALE_HAS_ENDED;
  if (status === "PAUSED") {
    noteRetryAfter(PAUSED_RETRY_SECONDS);
    return SALE_IS_PAUSED;
  }
  noteRetryAfter(math.max(1, math.ceil((sale.document.startsAtMs - nowMs()) / 1000)));
  return SALE_NOT_OPEN_YET;
}

/** Challenges of the time before may still be in somebody's hand. @hot */
function mayHaveTickets(sale: HeldSale): boolean {
  if (statusOf(sale) === "SCHEDULED") return false;
  return nowMs() - sale.refusingSinceMs <= CHALLENGE_TTL_MS;
}
