import {
  type ProblemKind,
  SALE_COUNTRY,
  SALE_ENDED,
  SALE_NOT_FOUND,
  SALE_NOT_STARTED,
  SALE_PAUSED,
  SALE_SOLD_OUT,
  SALE_UNAVAILABLE,
} from "@sluice/contract/error-codes.ts";
import type { Refusal } from "../phases/verdicts.ts";

/** What nginx answers by itself on the routes of the gate; see `phases/verdicts.ts`. */
export const SALE_IS_SOLD_OUT = always(SALE_SOLD_OUT);
export const SALE_NOT_OPEN_YET = always(SALE_NOT_STARTED);
export const SALE_HAS_ENDED = always(SALE_ENDED);
export const SALE_IS_PAUSED = always(SALE_PAUSED);
export const SALE_COUNTRY_REFUSED = always(SALE_COUNTRY);
export const SALE_NOT_THERE = always(SALE_NOT_FOUND);
export const SALE_OUT_OF_REACH = always(SALE_UNAVAILABLE);

export const SALE_REFUSALS: readonly Refusal[] = [
  SALE_IS_SOLD_OUT,
  SALE_NOT_OPEN_YET,
  SALE_HAS_ENDED,
  SALE_IS_PAUSED,
  SALE_COUNTRY_REFUSED,
  SALE_NOT_THERE,
  SALE_OUT_OF_REACH,
];

function always(kind: ProblemKind): Refusal {
  return { verdict: kind.code, kind, status: kind.status };
}
