import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../../cli/src/services/for-tests.ts";
import { openProxy } from "../../../../test/tcp-proxy.ts";
import { runMigrations } from "../../../compose.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { newUuid } from "../../../kernel/ids.ts";
import { databaseLimits, openDatabase } from "../../../platform/mysql/database.ts";
import { orderingErrors } from "../errors.ts";
import { orderBookIn } from "../infrastructure/order-book.ts";
import { openStock } from "./adjust-stock.ts";
import { orderLimits } from "./limits.ts";
import { createPlaceOrder } from "./place-order.ts";
import type { OrderBook } from "./ports.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);
const QUERY_MS = 700;

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

const PRODUCT = 1;
const pieces = 10_000;
await openStock(orderBookIn(database, []), PRODUCT, pieces, {
  actor: "test",
  reason: "in time",
  nowMs: Date.now(),
});

const placing = (book: OrderBook) =>
  createPlaceOrder({
    book,
    products: { findPrices: async () => new Map([[PRODUCT, { priceCents: 100, currency: "EUR" }]]) },
    clock: Date.now,
    newId: newUuid,
    orderTtlMs: 60_000,
    unpaidMax: pieces,
  });
const wish = (userId: number, key?: string) => ({
  userId,
  lines: [{ productId: PRODUCT, quantity: 1 }],
  idempotencyKey: key,
});

/** A shop whose database is behind a proxy. */
async function behindProxy(t: TestContext) {
  const proxy = await openProxy(testDatabase.url);
  const url = new URL(testDatabase.url);
  url.port = String(proxy.port);
  const own = openDatabase(url.href, { ...databaseLimits, queryTimeoutMs: QUERY_MS });
  t.after(async () => {
    proxy.pointTo(testDatabase.url);
    await own.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { proxy, place: placing(orderBookIn(own, [])) };
}

const codeOf = (outcome: PromiseSettledResult<unknown>) => {
  if (outcome.status === "fulfilled") return "placed";
  assert.ok(outcome.reason instanceof Refusal, String(outcome.reason));
  assert.equal(outcome.reason.details.headers?.["retry-after"], "1");
  return outcome.reason.definition.code;
};

const ordersOf = async (userId: number) =>
  (await database.query<{ id: string }>("SELECT id FROM orders WHERE user_id = ?", [userId])).map(
    ({ id }) => id,
  );

test("while MySQL hangs a crowd of orders is refused within the bound, and none of them is placed later", async (t) => {
  const shop = await behindProxy(t);
  await shop.place(wish(1));
  shop.proxy.freeze();
  const crowd = 6 * orderLimits.placedTogetherMax;
  const beganMs = performance.now();
  const outcomes = await Promise.allSettled(Array.from({ length: crowd }, () => shop.place(wish(1))));
  const tookMs = performance.now() - beganMs;
  const counts = Map.groupBy(outcomes.map(codeOf), (code) => code);
  assert.deepEqual([...counts.keys()].sort(), ["order.crowded", "service.unavailable"]);
  // The last ones begin to be served when they have waited for as long as they may, and the driver takes its time.
  const boundMs = orderLimits.placingWaitMs + databaseLimits.connectTimeoutMs + QUERY_MS;
  assert.ok(tookMs < boundMs + 1_000, `took ${tookMs} ms`);
  shop.proxy.pointTo(testDatabase.url);
  await shop.place(wish(1));
  assert.equal((await ordersOf(1)).length, 2, "one before, one after");
});

test("a commit that nobody confirmed is told as what it is, and the same key finds out what became of it", async (t) => {
  const shop = await behindProxy(t);
  await shop.place(wish(2, "first"));
  const committed = shop.proxy.withholdAnswersTo("COMMIT");
  const [outcome] = await Promise.allSettled([shop.place(wish(2, "second"))]);
  await committed;
  assert.equal(codeOf(outcome as PromiseSettledResult<unknown>), "service.outcome_unknown");
  const again = await shop.place(wish(2, "second"));
  assert.equal(again.replayed, true, "it had come through");
  assert.equal((await ordersOf(2)).length, 2);
});

test("whose order takes too long hears so in time; the key is in flight until it is decided", async (t) => {
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const real = orderBookIn(database, []);
  const place = placing({
    ...real,
    placing: async (work) => {
      begun.resolve();
      await held.promise;
      return real.placing(work);
    },
  });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const first = place(wish(3, "slow"));
  const settled = Promise.allSettled([first]);
  await begun.promise;
  t.mock.timers.tick(orderLimits.placingAnswerMs - 1);
  await assert.rejects(place(wish(3, "slow")), { definition: orderingErrors.keyInFlight });
  t.mock.timers.tick(1);
  const [outcome] = await settled;
  assert.equal(codeOf(outcome as PromiseSettledResult<unknown>), "order.outcome_unknown");
  await assert.rejects(place(wish(3, "slow")), { definition: orderingErrors.keyInFlight });
  t.mock.timers.reset();
  held.resolve();
  const again = async (): Promise<boolean> => {
    try {
      return (await place(wish(3, "slow"))).replayed;
    } catch (error) {
      if ((error as Refusal).definition?.code !== "idempotency.in_flight") throw error;
      await new Promise(setImmediate);
      return again();
    }
  };
  assert.equal(await again(), true, "the work went on");
  assert.equal((await ordersOf(3)).length, 1);
});
