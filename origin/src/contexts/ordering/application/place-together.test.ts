import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createConnection } from "mysql2/promise";
import { createTestDatabase, startTestServices } from "../../../../../cli/src/services/for-tests.ts";
import { runMigrations } from "../../../compose.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { newUuid } from "../../../kernel/ids.ts";
import { openDatabase } from "../../../platform/mysql/database.ts";
import type { RequestedLine } from "../domain/order.ts";
import { expiryLanes } from "../infrastructure/expiry-lanes.ts";
import { orderBookIn } from "../infrastructure/order-book.ts";
import { openStock } from "./adjust-stock.ts";
import type { Placement } from "./draft-orders.ts";
import { createPlaceOrder } from "./place-order.ts";
import { createPlaceTogether, type Held } from "./place-together.ts";
import type { OrderBook } from "./ports.ts";
import type { Verdict } from "./write-drafts.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);
const book = orderBookIn(database, expiryLanes(60, 2));
const other = await createConnection(testDatabase.url);
const by = { actor: "test", reason: "test", nowMs: Date.now() };

after(async () => {
  await other.end();
  await database.close();
  await testDatabase.close();
  await services.close();
});

/** As the transaction is rolled back and run again, so is it counted. */
function counting(): { book: OrderBook; transactions: () => number } {
  let transactions = 0;
  return {
    transactions: () => transactions,
    book: {
      ...book,
      placing: (work) => {
        transactions += 1;
        return book.placing(work);
      },
    },
  };
}

const parts = (on: OrderBook, unpaidMax: number) => ({
  book: on,
  products: {
    findPrices: async (ids: readonly number[]) =>
      new Map(ids.map((id) => [id, { priceCents: 100, currency: "EUR" as const }])),
  },
  clock: Date.now,
  newId: newUuid,
  orderTtlMs: 60_000,
  unpaidMax,
});
const placing = (on: OrderBook, unpaidMax = 1_000) => createPlaceTogether(parts(on, unpaidMax));

let products = 0;
async function product(pieces: number): Promise<number> {
  const id = ++products;
  await openStock(book, id, pieces, by);
  return id;
}

function wish(userId: number, lines: RequestedLine[], key?: string): Placement {
  return { userId, lines, claim: key === undefined ? undefined : { userId, key }, fingerprint: `f${userId}` };
}

const outcomesOf = (verdicts: readonly (Verdict | Held)[]) =>
  verdicts.map((verdict) =>
    verdict.outcome !== "refused"
      ? verdict.outcome
      : verdict.error instanceof Refusal
        ? verdict.error.definition.code
        : "failed",
  );

const idOf = (verdict: Verdict | Held | undefined): string => {
  assert.ok(verdict !== undefined && verdict.outcome !== "refused" && verdict.outcome !== "held");
  return JSON.parse(verdict.answer.body).id;
};

async function statusesOf(ids: readonly string[]): Promise<string[]> {
  const rows = await database.query<{ status: string }>("SELECT status FROM orders WHERE id IN (?)", [ids]);
  return rows.map(({ status }) => status);
}

test("a batch that fits is one transaction", async () => {
  const [a, b] = [await product(100), await product(100)];
  const counted = counting();
  const wishes = Array.from({ length: 20 }, (_, index) =>
    wish(index + 1, [{ productId: index % 2 === 0 ? a : b, quantity: 2 }], "once"),
  );
  const verdicts = await placing(counted.book)(wishes);
  assert.deepEqual(outcomesOf(verdicts), Array(20).fill("placed"));
  assert.equal(counted.transactions(), 1);
  assert.equal(new Set(verdicts.map(idOf)).size, 20);
  assert.deepEqual(await book.findStock(a), { total: 100, available: 80, reserved: 20, sold: 0 });
  assert.deepEqual(await book.findStock(b), { total: 100, available: 80, reserved: 20, sold: 0 });
  const again = await placing(book)(wishes);
  assert.deepEqual(outcomesOf(again), Array(20).fill("replayed"));
  assert.deepEqual(again.map(idOf), verdicts.map(idOf));
});

test("stock that does not suffice for all goes to those who came first, and whoever wants less still gets it", async () => {
  const [scarce, plenty] = [await product(5), await product(100)];
  const counted = counting();
  const verdicts = await placing(counted.book)([
    wish(1, [{ productId: scarce, quantity: 2 }]),
    wish(2, [{ productId: plenty, quantity: 1 }]),
    wish(3, [
      { productId: scarce, quantity: 2 },
      { productId: plenty, quantity: 1 },
    ]),
    wish(4, [
      { productId: scarce, quantity: 2 },
      { productId: plenty, quantity: 7 },
    ]),
    wish(5, [{ productId: scarce, quantity: 1 }]),
    wish(6, [{ productId: scarce, quantity: 1 }]),
  ]);
  assert.deepEqual(outcomesOf(verdicts), [
    "placed",
    "placed",
    "placed",
    "order.sold_out",
    "placed",
    "order.sold_out",
  ]);
  assert.equal(counted.transactions(), 2);
  assert.deepEqual(await book.findStock(scarce), { total: 5, available: 0, reserved: 5, sold: 0 });
  assert.deepEqual(await book.findStock(plenty), { total: 100, available: 98, reserved: 2, sold: 0 });
});

test("an order that the database refuses fails alone, in few transactions", async () => {
  const plenty = await product(100);
  const counted = counting();
  // No user has such an id: the column takes none below zero.
  const users = [1, 2, 3, 4, 5, -1, 7, 8];
  const verdicts = await placing(counted.book)(
    users.map((userId) => wish(userId, [{ productId: plenty, quantity: 1 }], "poisoned")),
  );
  assert.deepEqual(
    outcomesOf(verdicts),
    users.map((userId) => (userId < 0 ? "failed" : "placed")),
  );
  assert.ok(counted.transactions() <= 7, `${counted.transactions()} transactions`);
  assert.equal((await book.findStock(plenty))?.reserved, 7);
});

test("a key that another process is working on is refused, and the others are placed", async () => {
  const plenty = await product(100);
  await other.query("START TRANSACTION");
  await other.query(
    `INSERT INTO order_idempotency (user_id, idempotency_key, fingerprint, order_id, status, body, created_at)
     VALUES (3, 'busy', 'f3', ?, 201, '{}', UTC_TIMESTAMP(6))`,
    [newUuid()],
  );
  const wishes = [1, 2, 3, 4].map((userId) => wish(userId, [{ productId: plenty, quantity: 1 }], "busy"));
  const verdicts = await placing(book)(wishes);
  assert.deepEqual(outcomesOf(verdicts), ["placed", "placed", "idempotency.in_flight", "placed"]);
  await other.query("ROLLBACK");
  const again = await placing(book)(wishes);
  assert.deepEqual(outcomesOf(again), ["replayed", "replayed", "placed", "replayed"]);
  assert.equal((await book.findStock(plenty))?.reserved, 4);
});

test("two processes that place the same products in many batches never deadlock an order away", async () => {
  const ids = await Promise.all(Array.from({ length: 60 }, () => product(1_000)));
  const batches = Array.from({ length: 12 }, (_, batch) =>
    Array.from({ length: 30 }, (_, index) =>
      wish(
        1_000 + batch * 30 + index,
        [{ productId: ids[(batch * 7 + index) % 60] as number, quantity: 1 }],
        "k",
      ),
    ),
  );
  const placed = (await Promise.all(batches.map((batch) => placing(book)(batch)))).flat();
  assert.deepEqual(new Set(outcomesOf(placed)), new Set(["placed"]));
  assert.equal((await statusesOf(placed.map(idOf))).length, 360);
  const [row] = await database.query<{ reserved: number }>(
    "SELECT SUM(reserved) + 0e0 AS reserved FROM stock WHERE product_id IN (?)",
    [ids],
  );
  assert.equal(row?.reserved, 360);
});

test("of one buyer's orders in a batch as many are placed as they may have unpaid, and others lose nothing", async () => {
  const id = await product(100);
  const counted = counting();
  const one = [{ productId: id, quantity: 1 }];
  const batch = [wish(501, one), wish(502, one), wish(501, one), wish(501, one), wish(502, one)];
  const tooMany = "order.too_many_unpaid";
  assert.deepEqual(outcomesOf(await placing(counted.book, 2)(batch)), [
    "placed",
    "placed",
    "placed",
    tooMany,
    "placed",
  ]);
  assert.equal(counted.transactions(), 2);
  assert.deepEqual(outcomesOf(await placing(counted.book, 2)([wish(502, one)])), [tooMany]);
  assert.equal(counted.transactions(), 2, "who has too many already is refused before anything is written");
});

test("an order that finds no stock takes none of its buyer's places", async () => {
  const [few, many] = [await product(1), await product(100)];
  const lines = (productId: number, quantity: number) => [{ productId, quantity }];
  // Enough for each alone, by what was committed: so the batch has to deal out.
  const batch = [wish(503, lines(few, 1)), wish(504, lines(few, 1)), wish(504, lines(many, 1))];
  const verdicts = outcomesOf(await placing(book, 1)(batch));
  assert.deepEqual(verdicts, ["placed", "order.sold_out", "placed"]);
});

test("a product and a buyer whose rows somebody holds cost the orders of all others a second at most, and once", async () => {
  const [locked, free] = [await product(100), await product(100)];
  const place = createPlaceOrder(parts(book, 1_000));
  const order = (userId: number, productId: number) =>
    place({ userId, lines: [{ productId, quantity: 1 }], idempotencyKey: undefined }).then(
      () => "placed",
      (error: Refusal) => error.definition.code,
    );
  assert.equal(await order(700, free), "placed", "the buyer's row is there");
  await other.query("START TRANSACTION");
  await other.query("SELECT * FROM stock WHERE product_id = ? FOR UPDATE", [locked]);
  await other.query("SELECT * FROM buyers WHERE user_id = 700 FOR UPDATE");
  const began = performance.now();
  const waiting = [order(703, locked), order(700, free)];
  const first = await Promise.all([order(701, free), order(702, free), order(704, free)]);
  assert.deepEqual(first, ["placed", "placed", "placed"]);
  const firstMs = performance.now() - began;
  assert.ok(firstMs < 3_000, `${firstMs} ms`);
  assert.deepEqual(await Promise.all(waiting), ["order.crowded", "order.crowded"]);
  const again = performance.now();
  const held = Promise.all([order(705, locked), order(700, free)]);
  assert.equal(await order(706, free), "placed");
  const againMs = performance.now() - again;
  assert.ok(againMs < 900, `no batch waits once more for what is known to be held: ${againMs} ms`);
  assert.deepEqual(await held, ["order.crowded", "order.crowded"]);

  const last = order(707, locked);
  await other.query("ROLLBACK");
  assert.equal(await last, "placed", "whoever waits when the row is let go gets the order");
  assert.equal((await book.findStock(locked))?.reserved, 1);
});
