import type { Refund, RefundStatus } from "../domain/refund.ts";

/** For those who may not know the domain. */
export type RefundStatusName = RefundStatus;

/** A refund as clients see it. */
export interface RefundView {
  id: string;
  orderId: string;
  amountCents: number;
  currency: string;
  status: RefundStatus;
  attempt: number;
  reason: string;
  /** Why the last attempt failed; null when none has. */
  failure: string | null;
  createdAt: string;
}

export function refundView(refund: Refund): RefundView {
  const { id, orderId, amountCents, currency, status, attempt, reason, failure, createdAtMs } = refund;
  return {
    id,
    orderId,
    amountCents,
    currency,
    status,
    attempt,
    reason,
    failure: failure === "" ? null : failure,
    createdAt: new Date(createdAtMs).toISOString(),
  };
}
