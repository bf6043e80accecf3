import assert from "node:assert/strict";

/** ISO 4217 code. */
export type Currency = string;

/** An amount in the currency's smallest unit. Floats never touch money. */
export type Cents = number;

/** Largest amount that any sum may reach; far below 2^53, so additions stay exact. */
export const centsMax = 1_000_000_000_000;

/** Price of `quantity` pieces. Asserts, because inputs are bounded at the boundary already. */
export function multiplyCents(unitCents: Cents, quantity: number): Cents {
  return checked(unitCents * quantity);
}

export function sumCents(amounts: Iterable<Cents>): Cents {
  let total = 0;
  for (const amount of amounts) total = checked(total + amount);
  return total;
}

function checked(cents: Cents): Cents {
  assert(Number.isInteger(cents) && Math.abs(cents) <= centsMax, `amount out of range: ${cents}`);
  return cents;
}
