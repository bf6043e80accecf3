import { type Cents, type Currency, sumCents } from "../../../kernel/money.ts";
import { type Payment, takenBy } from "./payment.ts";

/**
 * The life of money that goes back, as data:
 *
 *     DUE ─▶ SENT ─▶ DONE
 *      │ ▲    │        │      the provider may say as late as then that it has failed after all
 *      │ └────┴────────┘
 *      ▼
 *     FAILED ─▶ DUE           after the last attempt; somebody has to look at it, and may have it tried again
 *
 * Whatever its state, the money is owed: no debt ends but by DONE.
 */
export const refundTransitions = {
  DUE: ["SENT", "DONE", "DUE", "FAILED"],
  SENT: ["DONE", "DUE", "FAILED"],
  DONE: ["DUE", "FAILED"],
  FAILED: ["DUE"],
} as const satisfies Record<string, readonly string[]>;

export type RefundStatus = keyof typeof refundTransitions;

export function refundMayBecome(from: RefundStatus, to: RefundStatus): boolean {
  return (refundTransitions[from] as readonly RefundStatus[]).includes(to);
}

export interface Refund {
  readonly id: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly amountCents: Cents;
  readonly currency: Currency;
  readonly status: RefundStatus;
  /** From 1 on. */
  readonly attempt: number;
  /** Who wants it, and why. */
  readonly actor: string;
  readonly reason: string;
  readonly idempotencyKey: string | undefined;
  /** What was asked for; undefined for all that was left, whatever that was. */
  readonly askedCents: Cents | undefined;
  readonly providerReference: string | undefined;
  /** Why the last attempt failed; empty when none has. */
  readonly failure: string;
  readonly nextCheckAtMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What the provider knows an attempt by: a new attempt is new to it, the same one never is done twice. */
export function attemptKey({ id, attempt }: Pick<Refund, "id" | "attempt">): string {
  return `${id}.${attempt}`;
}

export function readAttemptKey(key: string): { refundId: string; attempt: number } | undefined {
  const match = /^([0-9a-f-]{36})\.([1-9]\d{0,5})$/.exec(key);
  return match === null ? undefined : { refundId: match[1] as string, attempt: Number(match[2]) };
}

/** A debt. `nextCheckAtMs`: when somebody asks the provider to pay it, unless it is settled before. */
export function newRefund(
  payment: Payment,
  wish: Pick<Refund, "id" | "amountCents" | "actor" | "reason" | "nextCheckAtMs"> &
    Partial<Pick<Refund, "idempotencyKey" | "askedCents">>,
  nowMs: number,
): Refund {
  return {
    idempotencyKey: undefined,
    askedCents: undefined,
    ...wish,
    paymentId: payment.id,
    orderId: payment.orderId,
    currency: takenBy(payment).currency,
    status: "DUE",
    attempt: 1,
    providerReference: undefined,
    failure: "",
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

export function sumOfRefunds(refunds: readonly Refund[]): Cents {
  return sumCents(refunds.map(({ amountCents }) => amountCents));
}
