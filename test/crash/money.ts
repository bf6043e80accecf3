import { readFileSync } from "node:fs";

/** A payment as the shop's books have it. */
export interface BookedPayment {
  readonly id: string;
  readonly order_id: string;
  readonly order_status: string;
  readonly total_cents: number;
  readonly refunded_cents: number;
}

/**
 * The money that the payment provider holds against the orders that are paid. Its state is a file of lines, of which the
 * last one of each charge and refund counts. Nobody's charge may be held for an order that is not paid, none may be missing
 * for one that is, and none may be held for no order at all.
 */
export function strayMoney(stateFile: string, payments: readonly BookedPayment[]): string[] {
  const held = heldByProvider(stateFile);
  const faults: string[] = [];
  const known = new Set(payments.map(({ id }) => id));
  for (const [id, cents] of held) {
    if (!known.has(id) && cents !== 0)
      faults.push(`the provider holds ${cents} of ${id}, which nobody booked`);
  }
  for (const [orderId, own] of Map.groupBy(payments, (payment) => payment.order_id)) {
    const cents = own.reduce((sum, { id }) => sum + (held.get(id) ?? 0), 0);
    const [first] = own;
    const due = first?.order_status === "PAID" ? first.total_cents - sumOf(own) : 0;
    if (cents !== due) {
      faults.push(
        `the provider holds ${cents} of order ${orderId}, which is ${first?.order_status} and owes ${due}`,
      );
    }
  }
  return faults;
}

function sumOf(payments: readonly BookedPayment[]): number {
  return payments.reduce((sum, { refunded_cents }) => sum + Number(refunded_cents), 0);
}

/** Cents by payment, less what went back. */
function heldByProvider(stateFile: string): Map<string, number> {
  const charges = new Map<string, Line>();
  const refunds = new Map<string, Line>();
  for (const line of readFileSync(stateFile, "utf8").split("\n")) {
    if (!line.startsWith("{") || !line.endsWith("}")) continue;
    const one: Line = JSON.parse(line);
    if (one.refundId !== undefined) refunds.set(one.refundId, one);
    else charges.set(one.id ?? "", one);
  }
  const held = new Map<string, number>();
  for (const [id, { status, amountCents }] of charges) held.set(id, status === "succeeded" ? amountCents : 0);
  for (const { paymentId = "", status, amountCents } of refunds.values()) {
    if (status !== "failed") held.set(paymentId, (held.get(paymentId) ?? 0) - amountCents);
  }
  return held;
}

interface Line {
  readonly id?: string;
  readonly refundId?: string;
  readonly paymentId?: string;
  readonly status: string;
  readonly amountCents: number;
}
