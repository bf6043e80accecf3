import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import fc from "fast-check";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { OrderModel, type Taken } from "../../../test/order-model.ts";
import { type Answer, scriptedProvider } from "../../../test/scripted-provider.ts";
import { audit, runMigrations } from "../../compose.ts";
import { Refusal } from "../../kernel/errors.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { fromSqlTime } from "../../platform/mysql/time.ts";
import { openStock } from "./application/adjust-stock.ts";
import { createCancelOrder } from "./application/cancel-order.ts";
import { createExpireOrders } from "./application/expire-orders.ts";
import { createPayOrder } from "./application/pay-order.ts";
import { createPlaceOrder } from "./application/place-order.ts";
import { createReconcilePayments } from "./application/reconcile-payments.ts";
import { createRefundOrder } from "./application/refund-order.ts";
import { createSettlePayment } from "./application/settle-payment.ts";
import { createRetryRefund, createSettleRefund } from "./application/settle-refund.ts";
import { readAttemptKey } from "./domain/refund.ts";
import { expiryLanes } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";

/**
 * Random lives of orders, interleaved, some of their steps at the same time, on the real database, beside a small model
 * (origin/test/order-model.ts). After each group of steps orders, stock and keys are those of the model, and what
 * everybody was told agrees with it; after each life the money that the provider holds is that of the paid orders.
 */
const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

const USER = 7;
const PIECES = 6;
const TTL_MS = 10_000;
const UNPAID_MAX = 4;

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("place"),
      quantity: fc.integer({ min: 1, max: 3 }),
      key: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "pay",
        "pay otherwise",
        "cancel",
        "refund",
        "refund a part",
        "expire",
        "callback",
        "callback twice",
        "refund callback",
      ),
      order: fc.nat(5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("sweep", "reconcile") }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.integer({ min: 1, max: TTL_MS }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Steps of one group run at the same time. */
const run = fc.record({
  groups: fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 14 }),
  answers: fc.infiniteStream(
    fc.constantFrom<Answer>("succeeded", "succeeded", "declined", "lost before", "lost after"),
  ),
});

test("whatever happens to orders, in whatever order and at once: it is what the model says", async () => {
  await fc.assert(
    fc.asyncProperty(run, ({ groups, answers }) => live(groups, answers)),
    {
      numRuns: 40,
      endOnFailure: true,
    },
  );
});

let products = 0;

async function live(groups: Step[][], answers: Iterator<Answer>): Promise<void> {
  let nowMs = Date.now();
  const clock = () => nowMs;
  const book = orderBookIn(database, expiryLanes(TTL_MS / 1_000, 2));
  const product = ++products;
  await openStock(book, product, PIECES, { actor: "test", reason: "model", nowMs });
  const { provider, heldCents, callback, refundCallback } = scriptedProvider(
    () => answers.next().value as Answer,
  );
  const providers = { current: provider, named: () => provider };
  const settle = createSettlePayment({ book, clock, newId: randomUUID });
  const settleRefund = createSettleRefund({ book, clock });
  const common = { book, providers, settle, settleRefund, clock, newId: randomUUID };
  const directory = { findPrices: async () => new Map([[product, { priceCents: 100, currency: "EUR" }]]) };
  const place = createPlaceOrder({
    ...common,
    products: directory,
    orderTtlMs: TTL_MS,
    unpaidMax: UNPAID_MAX,
  });
  const pay = createPayOrder(common);
  const cancel = createCancelOrder(common);
  const refund = createRefundOrder(common);
  const expire = createExpireOrders(common);
  const reconcile = createReconcilePayments(common);
  const retryRefund = createRetryRefund(common);
  const orders: string[] = [];
  const model = new OrderModel({ pieces: PIECES, unpaidMax: UNPAID_MAX, ttlMs: TTL_MS, priceCents: 100 });
  let seen = await lastEvent();

  const byModel = {
    userId: USER,
    actor: "test",
    reason: "model",
    amountCents: undefined,
    idempotencyKey: undefined,
  };
  const steps = {
    pay: (orderId: string) => pay({ userId: USER, orderId, method: "scripted" }),
    cancel: (orderId: string) => cancel({ userId: USER, orderId }),
    "pay otherwise": (orderId: string) => pay({ userId: USER, orderId, method: "otherwise" }),
    refund: (orderId: string) => refund({ ...byModel, orderId }),
    "refund a part": (orderId: string) =>
      refund({ ...byModel, orderId, amountCents: 40, idempotencyKey: randomUUID() }),
    expire: (orderId: string) => expire.reminded([1, 2].map(() => ({ orderId, messageId: undefined }))),
  };

  const placeOne = async ({ quantity, key }: { quantity: number; key?: string | undefined }) => {
    const lines = [{ productId: product, quantity }];
    const idempotencyKey = key === undefined ? undefined : `${key}-${product}`;
    const { body, replayed } = await place({ userId: USER, lines, idempotencyKey });
    const { id } = JSON.parse(body);
    if (!replayed) orders.push(id);
    return { said: replayed ? "replayed" : "placed", orderId: id, body };
  };
  const pick = (index: number) => orders[index % Math.max(orders.length, 1)];

  const take = async (one: Step): Promise<{ said: string; orderId?: string; body?: string }> => {
    if (one.kind === "wait") nowMs += one.ms;
    else if (one.kind === "place") return placeOne(one);
    else if (one.kind === "callback" || one.kind === "callback twice") {
      const told = callback(one.order);
      const times = one.kind === "callback" ? 1 : 2;
      const tell = () => told !== undefined && settle(told.id, told.decision);
      await Promise.all(Array.from({ length: times }, tell));
    } else if (one.kind === "refund callback") {
      const told = refundCallback(one.order);
      const named = told === undefined ? undefined : readAttemptKey(told.key);
      if (told !== undefined && named !== undefined) {
        await settleRefund(named.refundId, named.attempt, told.answer);
      }
    } else if (one.kind === "sweep") assert.deepEqual((await expire.sweep()).failed, []);
    else if (one.kind === "reconcile") await reconcile();
    else if ("order" in one) {
      const orderId = pick(one.order);
      if (orderId === undefined) return { said: "nothing" };
      const done = await steps[one.kind](orderId);
      return { said: "outcome" in done ? String(done.outcome) : "done", orderId };
    }
    return { said: "done" };
  };
  const takeOrRefuse = async (one: Step): Promise<Taken> => {
    const orderId = "order" in one ? pick(one.order) : undefined;
    const asked = { kind: one.kind, ...("quantity" in one ? { quantity: one.quantity, key: one.key } : {}) };
    try {
      return { ...asked, orderId, ...(await take(one)) };
    } catch (error) {
      if (!(error instanceof Refusal) || error.definition.status >= 500) throw error;
      return { ...asked, orderId, said: error.definition.code };
    }
  };
  const compare = async (taken: readonly Taken[]) => {
    const { events, last } = await eventsAfter(seen);
    seen = last;
    model.follow(events, taken, nowMs);
    model.agrees(await booksOf(product));
  };

  for (const group of groups) await compare(await Promise.all(group.map(takeOrRefuse)));

  // In the end everything is decided: time passes, and the provider is asked until nothing is open.
  for (let round = 0; round === 0 || (await undecided()) > 0; round++) {
    assert.ok(round < 60, "every payment is decided in the end");
    nowMs += 600_000;
    await expire.sweep();
    await reconcile();
    // Somebody looks at what failed for good.
    for (const { id } of await book.listRefunds("FAILED", undefined, 100)) await retryRefund(id);
    await compare([{ kind: "sweep", said: "done" }]);
  }
  assert.equal(
    heldCents(),
    await paidCents(product),
    "the money held is that of paid orders, less what went back of it",
  );
  const results = await audit({ MYSQL_URL: testDatabase.url, REDIS_URL: services.redisUrl });
  // No catalog and no relay take part here.
  const own = results.filter(({ name }) => !/^(products|outbox):/.test(name));
  const broken = own.filter((result) => result.broken.length > 0);
  assert.deepEqual(broken, []);
}

async function lastEvent(): Promise<number> {
  const [row] = await database.query<{ events: number }>("SELECT events FROM buyers WHERE user_id = ?", [
    USER,
  ]);
  return row?.events ?? 0;
}

/** All orders are one buyer's, whose steps are numbered in the order of their commits. */
async function eventsAfter(seen: number) {
  const rows = await database.query<Record<"order_id" | "from_status" | "to_status" | "created_at", string>>(
    `SELECT order_id, from_status, to_status, created_at FROM order_history
     WHERE user_id = ? AND event_number > ? ORDER BY event_number`,
    [USER, seen],
  );
  const events = rows.map((row) => ({
    orderId: row.order_id,
    from: row.from_status ?? undefined,
    to: row.to_status,
    atMs: fromSqlTime(row.created_at),
  }));
  return { events, last: seen + rows.length };
}

async function booksOf(product: number) {
  const orders = await database.query<
    Record<"id" | "status" | "expires_at", string> & { quantity: number; total_cents: number }
  >(
    `SELECT o.id, o.status, o.expires_at, o.total_cents, l.quantity
     FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE l.product_id = ?`,
    [product],
  );
  const [stock] = await database.query<Record<"total" | "available" | "reserved" | "sold", number>>(
    "SELECT total, available, reserved, sold FROM stock WHERE product_id = ?",
    [product],
  );
  const [buyer] = await database.query<{ unpaid: number }>("SELECT unpaid FROM buyers WHERE user_id = ?", [
    USER,
  ]);
  return {
    orders: orders.map((row) => ({
      id: row.id,
      status: row.status,
      quantity: row.quantity,
      totalCents: row.total_cents,
      expiresAtMs: fromSqlTime(row.expires_at),
    })),
    stock,
    unpaid: buyer?.unpaid ?? 0,
  };
}

async function undecided(): Promise<number> {
  const [row] = await database.query<{ open: number }>(
    `SELECT (SELECT COUNT(*) FROM payments WHERE next_check_at IS NOT NULL)
          + (SELECT COUNT(*) FROM refunds WHERE status <> 'DONE') AS open`,
  );
  return row?.open ?? 0;
}

async function paidCents(product: number): Promise<number> {
  const [row] = await database.query<{ cents: number }>(
    `SELECT COALESCE(SUM(o.total_cents - COALESCE(back.cents, 0)), 0) + 0e0 AS cents FROM orders o
     JOIN order_lines l ON l.order_id = o.id
     LEFT JOIN (
       SELECT p.order_id, SUM(r.amount_cents) AS cents FROM payments p JOIN refunds r ON r.payment_id = p.id
       WHERE p.status = 'SUCCEEDED' GROUP BY p.order_id
     ) back ON back.order_id = o.id
     WHERE l.product_id = ? AND o.status = 'PAID'`,
    [product],
  );
  return row?.cents ?? 0;
}
