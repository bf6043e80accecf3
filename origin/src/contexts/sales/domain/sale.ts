import type { SaleStatus } from "@sluice/contract/sale.ts";

/** What operators say of a sale. */
export interface SaleTerms {
  readonly productId: number;
  readonly priceCents: number;
  readonly total: number;
  readonly perUserMax: number;
  /** Admissions a second. */
  readonly perSecond: number;
  /** The share of buyers who may try, from 0.0001 to 1. */
  readonly buyRate: number;
  /** ISO 3166-1 alpha-2; all when there is none. */
  readonly countries: readonly string[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

export interface Sale extends SaleTerms {
  readonly id: number;
  readonly currency: string;
  readonly status: SaleStatus;
  readonly version: number;
}

/**
 * The life of a sale. Its pieces are set aside while it is in any state between DRAFT and ENDED.
 *
 *     DRAFT ─▶ SCHEDULED ─▶ OPEN ◀─▶ SOLD_OUT        operators; the clock opens and ends
 *                 │           ▲ │        │           SOLD_OUT and back is what the pieces say
 *                 │           │ ▼        ▼
 *                 └────────▶ PAUSED ◀────┘
 *     each of them ─▶ ENDED
 */
const byOperators: Readonly<Record<SaleStatus, readonly SaleStatus[]>> = {
  DRAFT: ["SCHEDULED", "OPEN", "ENDED"],
  SCHEDULED: ["OPEN", "PAUSED", "ENDED"],
  OPEN: ["PAUSED", "ENDED"],
  SOLD_OUT: ["PAUSED", "ENDED"],
  PAUSED: ["OPEN", "ENDED"],
  ENDED: [],
};

export function mayBecome(from: SaleStatus, to: SaleStatus): boolean {
  return byOperators[from].includes(to);
}

/** Pieces are set aside for it. */
export function holdsPieces(status: SaleStatus): boolean {
  return status !== "DRAFT" && status !== "ENDED";
}

/** What clock and pieces make of a sale; its own status when there is nothing to do. */
export function dueStatus(
  { status, startsAtMs, endsAtMs }: Sale,
  available: number,
  nowMs: number,
): SaleStatus {
  if (!holdsPieces(status)) return status;
  if (nowMs >= endsAtMs) return "ENDED";
  if (status === "PAUSED" || nowMs < startsAtMs) return status;
  return available > 0 ? "OPEN" : "SOLD_OUT";
}

/** What stays as it was once pieces are set aside for the sale. */
export const fixedTerms = ["productId", "priceCents"] as const satisfies (keyof SaleTerms)[];
