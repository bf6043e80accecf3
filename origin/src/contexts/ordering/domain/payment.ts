import type { Cents, Currency } from "../../../kernel/money.ts";
import type { PaymentStatus } from "./payment-state.ts";

export interface Money {
  readonly amountCents: Cents;
  readonly currency: Currency;
}

/** One attempt to pay an order in full. */
export interface Payment {
  /** Ours; the provider knows the charge by it, which makes every call idempotent. */
  readonly id: string;
  readonly orderId: string;
  readonly provider: string;
  readonly method: string;
  readonly status: PaymentStatus;
  readonly amountCents: Cents;
  readonly currency: Currency;
  /** What the provider took, when that is not what it was asked for. */
  readonly otherTaken?: Money | undefined;
  readonly providerReference: string | undefined;
  readonly reason: string;
  /** When to ask the provider about it; undefined when there is nothing to ask. */
  readonly nextCheckAtMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** The money that came with it, once it has succeeded. */
export function takenBy({ amountCents, currency, otherTaken }: Payment): Money {
  return otherTaken ?? { amountCents, currency };
}

export function isAsAsked(asked: Money, got: Money): boolean {
  return asked.amountCents === got.amountCents && asked.currency === got.currency;
}
