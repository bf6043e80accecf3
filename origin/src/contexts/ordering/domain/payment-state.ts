/**
 * The life of one attempt to pay, as data:
 *
 *     STARTED ─▶ SUCCEEDED ─▶ REFUND_DUE ─▶ REFUNDED
 *        │  ╲        ▲            ▲
 *        │   ╲───────│────────────┤   the money came too late for its order
 *        ▼           │            │
 *     DECLINED ──────┴────────────┘   the provider changed its mind
 *
 * An order has at most one attempt that is STARTED. REFUND_DUE is a debt: the worker asks the provider until
 * it is paid back. The order's row is the lock of its payments.
 */
export const paymentTransitions = {
  STARTED: ["SUCCEEDED", "DECLINED", "REFUND_DUE"],
  DECLINED: ["SUCCEEDED", "REFUND_DUE"],
  SUCCEEDED: ["REFUND_DUE"],
  REFUND_DUE: ["REFUNDED"],
  REFUNDED: [],
} as const satisfies Record<string, readonly string[]>;

export type PaymentStatus = keyof typeof paymentTransitions;

export function paymentMayBecome(from: PaymentStatus, to: PaymentStatus): boolean {
  return (paymentTransitions[from] as readonly PaymentStatus[]).includes(to);
}

/** The money of these is with us, or we owe it back: what the provider says of success is no news. */
export function hasSucceeded(status: PaymentStatus): boolean {
  return status === "SUCCEEDED" || status === "REFUND_DUE" || status === "REFUNDED";
}
