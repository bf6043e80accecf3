import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { emptyStock, isConserved, moveStock, type StockMovementKind, stockMovements } from "./stock.ts";

const kinds = Object.keys(stockMovements) as StockMovementKind[];
const movement = fc.record({
  kind: fc.constantFrom(...kinds),
  quantity: fc.integer({ min: 1, max: 20 }),
});

test("whatever is asked for in whatever order: nothing is lost, and nothing falls below zero", () => {
  fc.assert(
    fc.property(fc.array(movement, { maxLength: 60 }), (movements) => {
      let stock = emptyStock;
      let received = 0;
      for (const { kind, quantity } of movements) {
        const moved = moveStock(stock, kind, quantity);
        if (moved === undefined) continue;
        stock = moved;
        if (kind === "RECEIVE") received += quantity;
        assert.ok(isConserved(stock));
        assert.ok(Object.values(stock).every((count) => count >= 0));
        assert.equal(stock.total, received);
      }
    }),
  );
});

test("a movement and the one that undoes it leave the stock as it was", () => {
  const undoes: [StockMovementKind, StockMovementKind, number][] = [
    ["RESERVE", "RELEASE", 1],
    ["RECEIVE", "RECEIVE", -1],
  ];
  const stock = { total: 30, available: 10, reserved: 10, sold: 10 };
  for (const [kind, undo, sign] of undoes) {
    const moved = moveStock(stock, kind, 5);
    assert.ok(moved !== undefined);
    assert.deepEqual(moveStock(moved, undo, sign * 5), stock);
  }
});
