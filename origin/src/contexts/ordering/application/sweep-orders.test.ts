import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../../cli/src/services/for-tests.ts";
import { runMigrations } from "../../../compose.ts";
import { newUuid } from "../../../kernel/ids.ts";
import { openDatabase } from "../../../platform/mysql/database.ts";
import { orderBookIn } from "../infrastructure/order-book.ts";
import { openStock } from "./adjust-stock.ts";
import { createExpireOrders } from "./expire-orders.ts";
import { expiryLimits } from "./limits.ts";
import { createPlaceOrder } from "./place-order.ts";
import type { OrderBook } from "./ports.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

const TTL_MS = 1_000;
let nowMs = Date.now();
const clock = () => nowMs;
let transactions = 0;
const real = orderBookIn(database, []);
const book: OrderBook = {
  ...real,
  transaction: (work) => {
    transactions += 1;
    return real.transaction(work);
  },
};
const place = createPlaceOrder({
  book,
  products: {
    findPrices: async (ids) => new Map(ids.map((id) => [id, { priceCents: 100, currency: "EUR" }])),
  },
  clock,
  newId: newUuid,
  orderTtlMs: TTL_MS,
  unpaidMax: 10_000,
});

async function placeMany(productId: number, count: number): Promise<string[]> {
  await openStock(book, productId, count, { actor: "test", reason: "sweep", nowMs });
  const lines = [{ productId, quantity: 1 }];
  const placed = await Promise.all(
    Array.from({ length: count }, () => place({ userId: 1, lines, idempotencyKey: undefined })),
  );
  return placed.map(({ body }) => JSON.parse(body).id);
}

const countOf = async (status: string, productId: number) => {
  const [row] = await database.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM orders o JOIN order_lines l ON l.order_id = o.id
     WHERE o.status = ? AND l.product_id = ?`,
    [status, productId],
  );
  return row?.n;
};

test("orders that cannot expire are told of and passed by, however many they are, and those behind them expire", async () => {
  const [broken, sound, stuck] = [1, 2, expiryLimits.batchMax + 20];
  await placeMany(broken, stuck);
  await database.execute("UPDATE stock SET available = total, reserved = 0 WHERE product_id = ?", [broken]);
  nowMs += 1;
  const behind = await placeMany(sound, 30);
  const { sweep } = createExpireOrders({ book, clock });
  nowMs += TTL_MS - 1;
  assert.deepEqual((await sweep()).expired, 0, "those behind are not due for another millisecond");
  nowMs += 1;

  const told = new Set<string>();
  let expired = 0;
  for (let sweeps = 0; (await countOf("EXPIRED", sound)) !== behind.length; sweeps++) {
    assert.ok(sweeps < 5, "the sound ones expire within few sweeps");
    const from = transactions;
    const swept = await sweep();
    assert.ok(transactions - from <= expiryLimits.separationsMax + 2, "a sweep is bounded");
    for (const { orderId } of swept.failed) told.add(orderId);
    expired += swept.expired;
  }
  assert.equal(expired, behind.length);

  const later = await placeMany(3, 5);
  nowMs += TTL_MS;
  do for (const { orderId } of (await sweep()).failed) told.add(orderId);
  while (told.size < stuck);
  assert.equal(await countOf("EXPIRED", 3), later.length);

  const from = transactions;
  assert.deepEqual(await sweep(), { expired: 0, failed: [] });
  assert.equal(transactions, from, "they are not tried again before their time");

  await database.execute("UPDATE stock SET available = 0, reserved = total WHERE product_id = ?", [broken]);
  nowMs += expiryLimits.stuckRetryMaxMs;
  assert.deepEqual(await sweep(), { expired: stuck, failed: [] });
  assert.equal(await countOf("EXPIRED", broken), stuck);
});

test("more orders than one look finds expire in one sweep, of both unpaid states", async () => {
  const product = 4;
  const ids = await placeMany(product, expiryLimits.lookMax + 60);
  // All are due in the same millisecond: so pages end between orders that only their ids tell apart.
  const failed = ids.slice(0, 40);
  await database.execute("UPDATE orders SET status = 'FAILED_PAYMENT' WHERE id IN (?)", [failed]);
  nowMs += TTL_MS;
  const from = transactions;
  const swept = await createExpireOrders({ book, clock }).sweep();
  assert.deepEqual(swept, { expired: ids.length, failed: [] });
  assert.ok(transactions - from <= Math.ceil(ids.length / expiryLimits.batchMax) + 2);
  assert.equal(await countOf("EXPIRED", product), ids.length);
});
