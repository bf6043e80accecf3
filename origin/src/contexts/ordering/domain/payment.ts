import type { Cents, Currency } from "../../../kernel/money.ts";
import type { PaymentStatus } from "./payment-state.ts";

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
  readonly providerReference: string | undefined;
  readonly reason: string;
  /** When to ask the provider about it; undefined when there is nothing to ask. */
  readonly nextCheckAtMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}
