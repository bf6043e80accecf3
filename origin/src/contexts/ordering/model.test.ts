import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import fc from "fast-check";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { audit, runMigrations } from "../../compose.ts";
import { Refusal } from "../../kernel/errors.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { openStock } from "./application/adjust-stock.ts";
import { createCancelOrder } from "./application/cancel-order.ts";
import { createExpireOrders } from "./application/expire-orders.ts";
import { createPayOrder } from "./application/pay-order.ts";
import { createPlaceOrder } from "./application/place-order.ts";
import type { ChargeOutcome, PaymentProvider, RefundOutcome } from "./application/ports.ts";
import { createReconcilePayments } from "./application/reconcile-payments.ts";
import { createRefundOrder } from "./application/refund-order.ts";
import { createSettlePayment } from "./application/settle-payment.ts";
import { createRetryRefund, createSettleRefund } from "./application/settle-refund.ts";
import type { Payment } from "./domain/payment.ts";
import { attemptKey, type Refund, readAttemptKey } from "./domain/refund.ts";
import { expiryLanes } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";

/**
 * Random lives of orders, interleaved, some of their steps at the same time, on the real database. After each
 * life the books must balance, and the money that the provider holds must be that of the paid orders.
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

/** A provider that does with each charge and refund what the run says, and remembers the money that it holds. */
function scriptedProvider(nextAnswer: () => Answer) {
  const charges = new Map<string, { payment: Payment; state: "held" | "declined" }>();
  const refunds = new Map<string, { refund: Refund; paymentId: string; state: "paid back" | "failed" }>();
  const decision = (id: string): ChargeOutcome => {
    const charge = charges.get(id);
    if (charge === undefined) return { outcome: "unknown" };
    const { amountCents, currency } = charge.payment;
    const outcome = charge.state === "declined" ? "declined" : "succeeded";
    return { outcome, amountCents, currency, reference: id };
  };
  const answerTo = (key: string): RefundOutcome => {
    const known = refunds.get(key);
    if (known === undefined) return { outcome: "unknown" };
    const { amountCents, currency } = known.refund;
    const money = { amountCents, currency, reference: key };
    return known.state === "failed"
      ? { outcome: "failed", reason: "scripted", ...money }
      : { outcome: "refunded", ...money };
  };
  const provider: PaymentProvider = {
    name: "scripted",
    defaultMethod: undefined,
    takes: () => true,
    charge: async (payment, keep) => {
      assert.equal(await keep(payment.id).then(() => true), true);
      const answer = nextAnswer();
      if (answer === "lost before") return { outcome: "unknown" };
      const state = answer === "declined" ? "declined" : "held";
      if (!charges.has(payment.id)) charges.set(payment.id, { payment, state });
      return answer === "lost after" ? { outcome: "unknown" } : decision(payment.id);
    },
    find: async ({ id }) => (charges.has(id) ? decision(id) : { outcome: "absent" }),
    cancel: async (payment) => {
      if (nextAnswer() === "lost before") return { outcome: "unknown" };
      if (!charges.has(payment.id)) charges.set(payment.id, { payment, state: "declined" });
      return decision(payment.id);
    },
    refund: async (refund, { id: paymentId }) => {
      const key = attemptKey(refund);
      const answer = nextAnswer();
      if (answer === "lost before") return { outcome: "unknown" };
      const state = answer === "declined" ? "failed" : "paid back";
      if (!refunds.has(key)) refunds.set(key, { refund, paymentId, state });
      return answer === "lost after" ? { outcome: "unknown" } : answerTo(key);
    },
    readCallback: () => ({ outcome: "malformed" }),
  };
  return {
    provider,
    heldCents: () => {
      const held = [...charges.values()].filter(({ state }) => state === "held");
      const back = [...refunds.values()].filter(({ state }) => state === "paid back");
      for (const { payment } of held) {
        const own = back.filter(({ paymentId }) => paymentId === payment.id);
        const ownCents = own.reduce((sum, { refund }) => sum + refund.amountCents, 0);
        assert.ok(ownCents <= payment.amountCents, `more than payment ${payment.id} took went back`);
      }
      return (
        held.reduce((sum, { payment }) => sum + payment.amountCents, 0) -
        back.reduce((sum, { refund }) => sum + refund.amountCents, 0)
      );
    },
    /** What a callback would say now of one of the charges. What was declined may have been taken after all. */
    callback: (index: number) => {
      const charge = [...charges.values()][index % Math.max(charges.size, 1)];
      if (charge === undefined) return undefined;
      if (charge.state === "declined" && nextAnswer() === "succeeded") charge.state = "held";
      const told = decision(charge.payment.id);
      return told.outcome === "unknown" ? undefined : { id: charge.payment.id, decision: told };
    },
    /** The same of one of the refunds. What was paid back may have failed after all. */
    refundCallback: (index: number) => {
      const [key, refund] = [...refunds][index % Math.max(refunds.size, 1)] ?? [];
      if (key === undefined || refund === undefined) return undefined;
      if (refund.state === "paid back" && nextAnswer() === "declined") refund.state = "failed";
      return { key, answer: answerTo(key) };
    },
  };
}

type Answer = "succeeded" | "declined" | "lost before" | "lost after";

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("place"), quantity: fc.integer({ min: 1, max: 3 }) }),
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

test("whatever happens to orders, in whatever order and at once: the books balance", async () => {
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

  const take = async (one: Step): Promise<void> => {
    if (one.kind === "wait") {
      nowMs += one.ms;
    } else if (one.kind === "place") {
      const lines = [{ productId: product, quantity: one.quantity }];
      const placed = await place({ userId: USER, lines, idempotencyKey: undefined });
      orders.push(JSON.parse(placed.body).id);
    } else if (one.kind === "callback" || one.kind === "callback twice") {
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
    } else if ("order" in one) {
      const orderId = orders[one.order % Math.max(orders.length, 1)];
      if (orderId !== undefined) await steps[one.kind](orderId);
    } else {
      await (one.kind === "sweep" ? expire.sweep() : reconcile());
    }
  };
  const takeOrRefuse = (one: Step) =>
    take(one).catch((error: unknown) => {
      if (!(error instanceof Refusal) || error.definition.status >= 500) throw error;
    });

  for (const group of groups) {
    await Promise.all(group.map(takeOrRefuse));
    const stock = await book.findStock(product);
    assert.ok(stock !== undefined && stock.total === PIECES);
  }

  // In the end everything is decided: time passes, and the provider is asked until nothing is open.
  for (let round = 0; round === 0 || (await undecided()) > 0; round++) {
    assert.ok(round < 60, "every payment is decided in the end");
    nowMs += 600_000;
    await expire.sweep();
    await reconcile();
    // Somebody looks at what failed for good.
    for (const { id } of await book.listRefunds("FAILED", undefined, 100)) await retryRefund(id);
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
