import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isDue,
  type OrderStatus,
  orderTransitions,
  soldStatuses,
  transitionOf,
  unpaidStatuses,
} from "./order-state.ts";
import { isConserved, moveStock, type Stock } from "./stock.ts";

const statuses = Object.keys(orderTransitions) as OrderStatus[];
const nextOf = (status: OrderStatus) => Object.keys(orderTransitions[status]) as OrderStatus[];

/** A life: from CREATED, each number chooses among the steps that there are. */
const lives = fc.array(fc.nat(9), { maxLength: 12 }).map((choices) => {
  const life: OrderStatus[] = ["CREATED"];
  for (const choice of choices) {
    const next = nextOf(life.at(-1) ?? "CREATED");
    if (next.length === 0) break;
    life.push(next[choice % next.length] ?? "CREATED");
  }
  return life;
});

test("the states and steps are those of the design, and no other", () => {
  const steps = statuses.flatMap((from) => nextOf(from).map((to) => `${from} → ${to}`));
  assert.deepEqual(steps.sort(), [
    "CREATED → PENDING_PAYMENT",
    "FAILED_PAYMENT → CANCELLED",
    "FAILED_PAYMENT → EXPIRED",
    "FAILED_PAYMENT → PENDING_PAYMENT",
    "PAID → REFUNDING",
    "PENDING_PAYMENT → CANCELLED",
    "PENDING_PAYMENT → EXPIRED",
    "PENDING_PAYMENT → FAILED_PAYMENT",
    "PENDING_PAYMENT → PAID",
    "REFUNDING → REFUNDED",
  ]);
  assert.equal(transitionOf("EXPIRED", "PAID"), undefined);
});

test("in every life, what an order holds is what its state says", () => {
  const start: Stock = { total: 10, available: 10, reserved: 0, sold: 0 };
  fc.assert(
    fc.property(lives, fc.integer({ min: 1, max: 10 }), (life, quantity) => {
      let stock = start;
      for (const [index, to] of life.entries()) {
        const from = life[index - 1];
        const kind = from === undefined ? undefined : transitionOf(from, to)?.stock;
        if (kind !== undefined) {
          const moved = moveStock(stock, kind, quantity);
          assert.ok(moved !== undefined, `${from} → ${to} has the pieces that it moves`);
          stock = moved;
        }
        const isReserved = (unpaidStatuses as readonly string[]).includes(to);
        const isSold = (soldStatuses as readonly string[]).includes(to);
        assert.deepEqual([stock.reserved, stock.sold], [isReserved ? quantity : 0, isSold ? quantity : 0]);
        assert.ok(isConserved(stock));
      }
    }),
  );
});

test("only unpaid orders fall due, from their time on and not a millisecond before", () => {
  for (const status of statuses) {
    const order = { status, expiresAtMs: 1_000 };
    const unpaid = status === "PENDING_PAYMENT" || status === "FAILED_PAYMENT";
    assert.deepEqual([isDue(order, 999), isDue(order, 1_000)], [false, unpaid]);
  }
});
