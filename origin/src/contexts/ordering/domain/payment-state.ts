/**
 * The life of one attempt to pay, as data:
 *
 *     STARTED ─▶ SUCCEEDED ─▶ REFUND_DUE ─▶ REFUNDED
 *        │  ╲        ▲            ▲
 *        │   ╲───────│────────────┤   the money came too late for its order, or was of another amount
 *        ▼           │            │
 *     DECLINED ──────┴────────────┘   the provider changed its mind
 *
 * An order has at most one attempt that is STARTED. REFUND_DUE: all of the money goes back, by refunds (refund.ts);
 * REFUNDED: all of them are done, and it is REFUND_DUE again when one fails after all. A payment of which only a part
 * goes back stays SUCCEEDED. The order's row is the lock of its payments.
 */
export const paymentTransitions = {
  STARTED: ["SUCCEEDED", "DECLINED", "REFUND_DUE"],
  DECLINED: ["SUCCEEDED", "REFUND_DUE"],
  SUCCEEDED: ["REFUND_DUE"],
  REFUND_DUE: ["REFUNDED"],
  REFUNDED: ["REFUND_DUE"],
} as const satisfies Record<string, readonly string[]>;

export type PaymentStatus = keyof typeof paymentTransitions;

export function paymentMayBecome(from: PaymentStatus, to: PaymentStatus): boolean {
  return (paymentTransitions[from] as readonly PaymentStatus[]).includes(to);
}

/** The money of these is with us, or we owe it back: what the provider says of success is no news. */
export function hasSucceeded(status: PaymentStatus): boolean {
  return status === "SUCCEEDED" || status === "REFUND_DUE" || status === "REFUNDED";
}
