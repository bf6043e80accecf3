import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../../cli/src/services/for-tests.ts";
import { runMigrations } from "../../../compose.ts";
import type { Refusal } from "../../../kernel/errors.ts";
import { newUuid } from "../../../kernel/ids.ts";
import { openDatabase } from "../../../platform/mysql/database.ts";
import { expiryLanes } from "../infrastructure/expiry-lanes.ts";
import { orderBookIn } from "../infrastructure/order-book.ts";
import { openStock } from "./adjust-stock.ts";
import { orderLimits } from "./limits.ts";
import { createPlaceOrder } from "./place-order.ts";
import type { OrderTransaction } from "./ports.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);
const book = orderBookIn(database, expiryLanes(60, 2));
let nowMs = Date.now();
await openStock(book, 1, 100, { actor: "test", reason: "test", nowMs });
const prices = new Map([[1, { priceCents: 100, currency: "EUR" }]]);
const place = createPlaceOrder({
  book,
  products: { findPrices: async () => prices },
  clock: () => nowMs,
  newId: newUuid,
  orderTtlMs: 60_000,
  unpaidMax: 1_000,
});

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

const order = async (idempotencyKey: string) => {
  const placed = await place({ userId: 7, lines: [{ productId: 1, quantity: 1 }], idempotencyKey });
  return { id: JSON.parse(placed.body).id as string, replayed: placed.replayed };
};

test("a key is good for a day, to the millisecond, and then for another order", async () => {
  const first = await order("day");
  assert.equal(first.replayed, false);
  nowMs += orderLimits.idempotencyTtlMs - 1;
  assert.deepEqual(await order("day"), { id: first.id, replayed: true });
  nowMs += 1;
  const second = await order("day");
  assert.equal(second.replayed, false);
  assert.notEqual(second.id, first.id);
});

test("keys past their day are pruned, at most as many as are asked for, and no younger ones", async () => {
  for (const key of ["a", "b", "c"]) await order(key);
  nowMs += orderLimits.idempotencyTtlMs + 1;
  const { id } = await order("young");
  assert.equal(await book.pruneAnswers(nowMs - orderLimits.idempotencyTtlMs, 2), 2);
  while ((await book.pruneAnswers(nowMs - orderLimits.idempotencyTtlMs, 2)) > 0);
  const left = await database.query<{ order_id: string }>("SELECT order_id FROM order_idempotency");
  assert.deepEqual(left, [{ order_id: id }]);
});

test("whoever finds a key being worked on hears when to come again, at whichever look", async () => {
  const wish = { userId: 9, lines: [{ productId: 1, quantity: 1 }], idempotencyKey: "held" };
  const placing = (changed: Partial<OrderTransaction>) =>
    createPlaceOrder({
      book: { ...book, placing: (work) => book.placing((tx) => work({ ...tx, ...changed })) },
      products: { findPrices: async () => prices },
      clock: () => nowMs,
      newId: newUuid,
      orderTtlMs: 60_000,
      unpaidMax: 1_000,
    });
  const heldAtFirst = placing({ lockAnswers: async () => "in-flight" });
  // Another's row was not there when it was looked for, and was when ours was written.
  const writtenMeanwhile = placing({ keepAnswers: async () => false });
  for (const attempt of [heldAtFirst, writtenMeanwhile]) {
    await assert.rejects(attempt(wish), (refusal: Refusal) => {
      assert.equal(refusal.definition.code, "idempotency.in_flight");
      assert.deepEqual(refusal.details.headers, { "retry-after": "1" });
      return true;
    });
  }
});

test("what is asked for in one key's order twice at once, and fails for both, leaves the key free", async () => {
  const wish = { userId: 8, lines: [{ productId: 1, quantity: 100 }], idempotencyKey: "greedy" };
  const refused = await Promise.allSettled([place(wish), place(wish)]);
  assert.ok(refused.every(({ status }) => status === "rejected"));
  const [row] = await database.query<{ held: number }>(
    "SELECT COUNT(*) AS held FROM order_idempotency WHERE user_id = 8",
  );
  assert.equal(row?.held, 0);
});
