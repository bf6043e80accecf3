import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { until } from "../../../test/until.ts";
import { audit, runMigrations } from "../../compose.ts";
import { Refusal } from "../../kernel/errors.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { openStock } from "./application/adjust-stock.ts";
import { createCancelOrder } from "./application/cancel-order.ts";
import { createExpireOrders } from "./application/expire-orders.ts";
import { createPayOrder } from "./application/pay-order.ts";
import { createPlaceOrder } from "./application/place-order.ts";
import type { ChargeDecision, ChargeOutcome, PaymentProvider } from "./application/ports.ts";
import { createReconcilePayments } from "./application/reconcile-payments.ts";
import { createRefundOrder } from "./application/refund-order.ts";
import { createSettlePayment } from "./application/settle-payment.ts";
import { createSettleRefund } from "./application/settle-refund.ts";
import { expiryLanes } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";

/**
 * Two that want the same order in the same millisecond, in both orders of arrival. A third transaction holds a row
 * that both need; it lets go when the database itself says that both wait for it, one behind the other.
 */
const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);
const gate = await createConnection(testDatabase.url);
const watch = await createConnection(testDatabase.url);

after(async () => {
  await gate.end();
  await watch.end();
  await database.close();
  await testDatabase.close();
  await services.close();
});

const [USER, TTL_MS, PRICE_CENTS] = [7, 60_000, 100];
let nowMs = Date.now();
const clock = () => nowMs;

/** Takes every payment at once, or hides what it decided; `heldCents` is the money that it has. */
function provider() {
  let heldCents = 0;
  let silent = false;
  const refunded = new Set<string>();
  const taken = (amountCents: number, currency: string): ChargeDecision => ({
    outcome: "succeeded",
    amountCents,
    currency,
    reference: "r",
  });
  const port: PaymentProvider = {
    name: "prompt",
    defaultMethod: "card",
    takes: () => true,
    charge: async ({ amountCents, currency }): Promise<ChargeOutcome> => {
      heldCents += amountCents;
      return silent ? { outcome: "unknown" } : taken(amountCents, currency);
    },
    find: async ({ amountCents, currency }) => taken(amountCents, currency),
    cancel: async ({ amountCents, currency }) => taken(amountCents, currency),
    refund: async ({ id, amountCents, currency }) => {
      if (!refunded.has(id)) heldCents -= amountCents;
      refunded.add(id);
      return { outcome: "refunded", amountCents, currency, reference: id };
    },
    readCallback: () => ({ outcome: "malformed" }),
  };
  return {
    port,
    heldCents: () => heldCents,
    silence: (on: boolean) => {
      silent = on;
    },
  };
}

const bank = provider();
const providers = { current: bank.port, named: () => bank.port };
const book = orderBookIn(database, expiryLanes(TTL_MS / 1_000, 2));
const settle = createSettlePayment({ book, clock, newId: randomUUID });
const settleRefund = createSettleRefund({ book, clock });
const common = { book, providers, settle, settleRefund, clock, newId: randomUUID };
const PRODUCT = 1;
await openStock(book, PRODUCT, 1_000, { actor: "test", reason: "arrival", nowMs });
const prices = new Map([[PRODUCT, { priceCents: PRICE_CENTS, currency: "EUR" }]]);
const place = createPlaceOrder({
  ...common,
  products: { findPrices: async () => prices },
  orderTtlMs: TTL_MS,
  unpaidMax: 1_000,
});
const payOrder = createPayOrder(common);
const cancelOrder = createCancelOrder(common);
const refundOrder = createRefundOrder(common);
const expire = createExpireOrders(common);
const reconcile = createReconcilePayments(common);

/** An order whose money the provider has taken without saying so yet, at the very millisecond at which it is due. */
async function moneyUnderWay() {
  const lines = [{ productId: PRODUCT, quantity: 1 }];
  const placed = await place({ userId: USER, lines, idempotencyKey: undefined });
  const orderId: string = JSON.parse(placed.body).id;
  bank.silence(true);
  await payOrder({ userId: USER, orderId, method: undefined });
  bank.silence(false);
  const [row] = await database.query<{ id: string }>("SELECT id FROM payments WHERE order_id = ?", [orderId]);
  assert.ok(row !== undefined);
  nowMs += TTL_MS;
  return {
    orderId,
    paymentId: row.id,
    money: () => settle(row.id, { outcome: "succeeded", amountCents: 100, currency: "EUR", reference: "r" }),
  };
}

async function paidOrder(): Promise<string> {
  const { orderId, money } = await moneyUnderWay();
  await money();
  return orderId;
}

const cancel = (orderId: string) => cancelOrder({ userId: USER, orderId });
const refund = (orderId: string, amountCents?: number) =>
  refundOrder({
    orderId,
    userId: USER,
    actor: `user:${USER}`,
    reason: "arrival",
    amountCents,
    idempotencyKey: amountCents === undefined ? undefined : randomUUID(),
  });

/** Of both, in the order of their arrival at the row that `held` selects; a refusal is told by its code. */
async function inThisOrder(
  held: string,
  values: unknown[],
  arrivals: readonly (() => Promise<unknown>)[],
): Promise<string[]> {
  await gate.beginTransaction();
  await gate.query(`${held} FOR UPDATE`, values);
  const results: Promise<string>[] = [];
  for (const arrive of arrivals) {
    results.push(
      arrive().then(
        () => "done",
        (error) => (error instanceof Refusal ? error.definition.code : Promise.reject(error)),
      ),
    );
    await until(`${results.length} wait`, async () => (await waiting(watch)) === results.length);
  }
  await gate.commit();
  return Promise.all(results);
}

/** The server looks anew only when nobody has asked it for 0.1 s. */
const viewIdleMs = 120;

/** Transactions of this test's database that wait for a row. */
async function waiting(sql: Connection): Promise<number> {
  await delay(viewIdleMs);
  const [rows] = await sql.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS n FROM information_schema.innodb_trx t
     JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
     WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()`,
  );
  return Number(rows[0]?.n);
}

const orderRow = "SELECT id FROM orders WHERE id = ?";
const statusOf = async (orderId: string) => (await book.find(USER, orderId))?.status;

/** Nothing is owed any more, the provider has the money of paid orders only, and all books are right. */
async function balances(paid: number): Promise<void> {
  nowMs += TTL_MS;
  for (let round = 0; (await reconcile()) > 0; round++) {
    assert.ok(round < 10, "everything is decided in the end");
    nowMs += TTL_MS;
  }
  assert.equal(bank.heldCents(), paid * PRICE_CENTS);
  const [row] = await database.query<{ reserved: number; sold: number }>("SELECT reserved, sold FROM stock");
  assert.deepEqual([row?.reserved, row?.sold], [0, paid]);
  const results = await audit({ MYSQL_URL: testDatabase.url, REDIS_URL: services.redisUrl });
  const own = results.filter(({ name }) => !/^(products|outbox):/.test(name));
  assert.deepEqual(
    own.filter(({ broken }) => broken.length > 0),
    [],
  );
}

let paid = 0;

test("money and expiry in one millisecond, the money first: the order is paid, and expiry passes it by", async () => {
  const { orderId, paymentId, money } = await moneyUnderWay();
  // Money locks the order, and then waits for its own row: in this moment expiry comes, both ways.
  await gate.beginTransaction();
  await gate.query("SELECT id FROM payments WHERE id = ? FOR UPDATE", [paymentId]);
  const paying = money();
  await until("the money waits", async () => (await waiting(watch)) === 1);
  assert.deepEqual(await expire.reminded([{ orderId, messageId: undefined }]), []);
  assert.equal((await expire.sweep()).expired, 0);
  assert.equal(await statusOf(orderId), "PENDING_PAYMENT");
  await gate.commit();
  assert.equal((await paying).status, "PAID");
  assert.equal((await expire.sweep()).expired, 0);
  await balances(++paid);
});

test("money and expiry in one millisecond, expiry first: the order is expired, and the money goes back", async () => {
  for (const byWhom of ["message", "sweeper"]) {
    const { orderId, money } = await moneyUnderWay();
    const expiry = () =>
      byWhom === "message" ? expire.reminded([{ orderId, messageId: undefined }]) : expire.sweep();
    // Expiry has the order, and waits for the buyer's row; the money waits for the order.
    const held = "SELECT user_id FROM buyers WHERE user_id = ?";
    assert.deepEqual(await inThisOrder(held, [USER], [expiry, money]), ["done", "done"]);
    assert.equal(await statusOf(orderId), "EXPIRED");
    await balances(paid);
    assert.equal(await statusOf(orderId), "EXPIRED");
  }
});

test("an order that is due is not paid any more, although nobody has expired it yet", async () => {
  const lines = [{ productId: PRODUCT, quantity: 1 }];
  const placed = await place({ userId: USER, lines, idempotencyKey: undefined });
  const orderId: string = JSON.parse(placed.body).id;
  nowMs += TTL_MS - 1;
  assert.equal((await expire.sweep()).expired, 0, "a millisecond too early");
  nowMs += 1;
  await assert.rejects(payOrder({ userId: USER, orderId, method: undefined }), /./);
  assert.equal(await statusOf(orderId), "PENDING_PAYMENT");
  assert.equal((await expire.sweep()).expired, 1);
  await balances(paid);
});

test("money and cancelling at once, in both orders", async () => {
  const first = await moneyUnderWay();
  const cancelled = [() => cancel(first.orderId), first.money];
  assert.deepEqual(await inThisOrder(orderRow, [first.orderId], cancelled), ["done", "done"]);
  assert.equal(await statusOf(first.orderId), "CANCELLED");
  await balances(paid);

  const second = await moneyUnderWay();
  const tooLate = [second.money, () => cancel(second.orderId)];
  assert.deepEqual(await inThisOrder(orderRow, [second.orderId], tooLate), ["done", "order.not_cancellable"]);
  assert.equal(await statusOf(second.orderId), "PAID");
  await balances(++paid);
});

test("cancelling and refunding at once, in both orders: the money goes back once, or stays", async () => {
  const unpaid = await moneyUnderWay();
  const early = [() => cancel(unpaid.orderId), () => refund(unpaid.orderId)];
  assert.deepEqual(await inThisOrder(orderRow, [unpaid.orderId], early), ["done", "order.not_refundable"]);
  // The money that was under way comes now, and goes back by itself: once, although a refund was asked for as well.
  await unpaid.money();
  assert.equal(await statusOf(unpaid.orderId), "CANCELLED");
  await balances(paid);

  const other = await moneyUnderWay();
  const refundFirst = [() => refund(other.orderId), () => cancel(other.orderId), other.money];
  const told = await inThisOrder(orderRow, [other.orderId], refundFirst);
  assert.deepEqual(told, ["order.not_refundable", "done", "done"]);
  assert.equal(await statusOf(other.orderId), "CANCELLED");
  await balances(paid);

  for (const cancelFirst of [true, false]) {
    const orderId = await paidOrder();
    const both = [() => cancel(orderId), () => refund(orderId)];
    const verdicts = await inThisOrder(orderRow, [orderId], cancelFirst ? both : both.toReversed());
    assert.deepEqual(verdicts.toSorted(), ["done", "order.not_cancellable"]);
    assert.equal(await statusOf(orderId), "REFUNDED");
    await balances(paid);
  }
});

test("two refunds at once: what was paid goes back once, and parts never exceed it", async () => {
  const whole = await paidOrder();
  const twice = [() => refund(whole), () => refund(whole)];
  assert.deepEqual(await inThisOrder(orderRow, [whole], twice), ["done", "order.not_refundable"]);
  await balances(paid);

  const inParts = await paidOrder();
  const parts = [() => refund(inParts, 60), () => refund(inParts, 60)];
  assert.deepEqual(await inThisOrder(orderRow, [inParts], parts), ["done", "refund.too_large"]);
  assert.equal(await statusOf(inParts), "PAID");
  const rest = [() => refund(inParts), () => refund(inParts, 40)];
  assert.deepEqual(await inThisOrder(orderRow, [inParts], rest), ["done", "order.not_refundable"]);
  assert.equal(await statusOf(inParts), "REFUNDED");
  await balances(paid);
});
