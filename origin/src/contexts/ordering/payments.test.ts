import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { type Buyer, startTestShop } from "../../../test/start-shop.ts";
import { until } from "../../../test/until.ts";
import { HEADER_SIGNATURE, signCallback } from "../../platform/http/callback-signature.ts";

const ORDER_TTL_SECONDS = 60;

const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
/** Added to the real time. Stays below the age at which a callback's signature is refused. */
let aheadMs = 0;
const shop = await startTestShop(
  { mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix, rabbitmqUrl: vhost.url },
  { clock: () => Date.now() + aheadMs },
  { ORDER_TTL_SECONDS: String(ORDER_TTL_SECONDS), LOG_LEVEL: "error" },
);
const worker = await shop.startWorker();
const sql = await createConnection(database.url);
const buyer = await shop.join();
const product = await shop.product(1_000);

after(async () => {
  await sql.end();
  await worker.close();
  await shop.close();
  await prefix.close();
  await vhost.close();
  await database.close();
  await services.close();
});

async function place(by: Buyer = buyer): Promise<string> {
  const placed = await by.order([{ productId: product, quantity: 1 }]);
  assert.equal(placed.status, 201, JSON.stringify(placed.body));
  return placed.body.id;
}

const statusOf = async (orderId: string) => (await buyer.get(`/orders/${orderId}`)).body.status;
const becomes = (orderId: string, status: string) =>
  until(`order ${orderId} is ${status}`, async () => (await statusOf(orderId)) === status);

async function paymentOf(orderId: string) {
  const [rows] = await sql.query<RowDataPacket[]>(
    "SELECT id, status, reason, amount_cents FROM payments WHERE order_id = ? ORDER BY created_at DESC",
    [orderId],
  );
  assert.ok(rows[0] !== undefined, "there is a payment");
  return rows[0] as { id: string; status: string; reason: string; amount_cents: number };
}

function callBack(body: object, secret = shop.paymentsSecret, atMs = Date.now()) {
  const text = JSON.stringify(body);
  const signature = signCallback(Buffer.from(text), secret, atMs);
  return shop.api.call("POST", "/payments/callback/sandbox", text, { [HEADER_SIGNATURE]: signature });
}

/** An order whose payment nobody has decided. */
async function undecided() {
  const orderId = await place();
  const answer = await buyer.post(`/orders/${orderId}/pay`, { method: "sandbox:quiet" });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  assert.equal(answer.body.status, "PENDING_PAYMENT");
  const payment = await paymentOf(orderId);
  const event = {
    id: payment.id,
    status: "succeeded",
    amountCents: payment.amount_cents,
    currency: "EUR",
    reference: "r",
  };
  return { orderId, payment, event };
}

test("a provider that decides later finishes the order by its callback", async () => {
  const orderId = await place();
  const answer = await buyer.post(`/orders/${orderId}/pay`, { method: "sandbox:late" });
  assert.equal(answer.status, 202);
  await becomes(orderId, "PAID");
});

test("a provider that never answers and calls back three times sells once", async () => {
  const before = (await shop.stockOf(product)).sold;
  const silent = await place();
  assert.equal((await buyer.post(`/orders/${silent}/pay`, { method: "sandbox:silent" })).status, 202);
  await becomes(silent, "PAID");
  const duplicate = await place();
  assert.equal((await buyer.post(`/orders/${duplicate}/pay`, { method: "sandbox:duplicate" })).status, 200);
  await becomes(duplicate, "PAID");
  assert.equal((await shop.stockOf(product)).sold, before + 2);
  await shop.auditIsClean();
});

test("callbacks that are forged, old, of another amount or of nothing known are refused and change nothing", async () => {
  const { orderId, event } = await undecided();
  const refused: [string, number, Awaited<ReturnType<typeof callBack>>][] = [
    ["payment.signature_invalid", 401, await callBack(event, "another secret")],
    ["payment.signature_invalid", 401, await callBack(event, undefined, Date.now() - 600_000)],
    ["payment.signature_invalid", 401, await shop.api.call("POST", "/payments/callback/sandbox", event)],
    ["payment.amount_mismatch", 422, await callBack({ ...event, amountCents: 1 })],
    ["payment.amount_mismatch", 422, await callBack({ ...event, currency: "USD" })],
    ["payment.unknown", 404, await callBack({ ...event, id: "nobody's" })],
    ["payment.unknown", 404, await callBack({ ...event, id: "niemands é" })],
    ["payment.unknown", 404, await callBack({ ...event, id: `${event.id} ` })],
    ["payment.callback_malformed", 422, await callBack({ hello: "there" })],
    ["payment.provider_unknown", 404, await shop.api.call("POST", "/payments/callback/other", event)],
  ];
  for (const [code, status, answer] of refused) {
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
  }
  assert.equal(await statusOf(orderId), "PENDING_PAYMENT");

  assert.equal((await callBack(event)).status, 200);
  assert.equal(await statusOf(orderId), "PAID");
  assert.equal((await callBack(event)).status, 200, "once more is fine");
  assert.equal((await callBack({ ...event, status: "declined" })).status, 200);
  assert.equal((await callBack({ ...event, status: "pending" })).status, 200);
  assert.equal(await statusOf(orderId), "PAID", "what was said before and comes late takes nothing back");
});

test("what neither answer nor callback tells is found out by asking", async () => {
  const lost = await place();
  assert.equal((await buyer.post(`/orders/${lost}/pay`, { method: "sandbox:lost" })).status, 202);
  const { orderId: quiet } = await undecided();
  aheadMs += 6_000;
  await becomes(lost, "PAID");
  await becomes(quiet, "PAID");
});

test("a payment that the provider never got is declined, and the order can be paid again", async () => {
  const { orderId, payment } = await undecided();
  // As if the process had died between writing the attempt down and asking the provider.
  await sql.query("UPDATE payments SET id = ? WHERE id = ?", [crypto.randomUUID(), payment.id]);
  aheadMs += 6_000;
  await becomes(orderId, "FAILED_PAYMENT");
  assert.equal((await buyer.post(`/orders/${orderId}/pay`)).body.status, "PAID");
});

test("a provider that decides three times is believed what it said last, in whatever order it comes", async () => {
  const orderId = await place();
  assert.equal((await buyer.post(`/orders/${orderId}/pay`, { method: "sandbox:reorder" })).status, 202);
  await becomes(orderId, "PAID");
});

test("a provider that fails takes no money: the payment is declined, and another may succeed", async () => {
  const orderId = await place();
  const answer = await buyer.post(`/orders/${orderId}/pay`, { method: "sandbox:failing" });
  assert.deepEqual([answer.status, answer.body.status], [202, "PENDING_PAYMENT"]);
  aheadMs += 6_000;
  await becomes(orderId, "FAILED_PAYMENT");
  assert.equal((await buyer.post(`/orders/${orderId}/pay`)).body.status, "PAID");
});

/** An order whose refund was asked for and is not done yet. */
async function refunding(method: string) {
  const orderId = await place();
  assert.equal((await buyer.post(`/orders/${orderId}/pay`, { method })).status, 200);
  const answer = await buyer.post(`/orders/${orderId}/refund`);
  assert.deepEqual([answer.status, answer.body.status], [202, "REFUNDING"], method);
  const seen = async () => {
    const [rows] = await sql.query<RowDataPacket[]>(
      "SELECT status, attempt, failure FROM refunds WHERE order_id = ?",
      [orderId],
    );
    return rows.map(({ status, attempt }) => `${status} ${attempt}`).join();
  };
  const is = (state: string) => until(`its refund is ${state}`, async () => (await seen()) === state);
  return { orderId, refundId: answer.body.refund.id as string, is };
}

test("a refund that is decided later, or never answered, is finished by its callback or by asking", async () => {
  const [late, silent] = await Promise.all(
    ["refund-late", "refund-silent"].map((how) => refunding(`sandbox:${how}`)),
  );
  await late?.is("DONE 1");
  aheadMs += 6_000;
  await silent?.is("DONE 1");
  for (const one of [late, silent]) assert.equal(await statusOf(one?.orderId ?? ""), "REFUNDED");
  await shop.auditIsClean();
});

test("a refund that fails is tried again, and after the last attempt whenever an operator says so", async () => {
  const [once, always] = await Promise.all([
    refunding("sandbox:refund-fails-once"),
    refunding("sandbox:refund-fails"),
  ]);
  await Promise.all([once.is("DUE 2"), always.is("DUE 2")]);
  aheadMs += 2_000;
  await Promise.all([once.is("DONE 2"), always.is("DUE 3")]);
  assert.equal(await statusOf(once.orderId), "REFUNDED");
  aheadMs += 4_000;
  await always.is("FAILED 3");
  const failed = async () => (await shop.api.operator("GET", "/refunds?status=FAILED")).body.refunds;
  assert.deepEqual(
    (await failed()).map(({ id }: { id: string }) => id),
    [always.refundId],
  );
  assert.equal((await shop.api.operator("POST", `/refunds/${always.refundId}/retry`)).body.status, "DUE");
  await always.is("FAILED 4");
  assert.equal(await statusOf(always.orderId), "REFUNDING", "the debt stays");
  await shop.auditIsClean();
});

test("money that comes after expiry is paid back by itself", async () => {
  const { orderId, payment, event } = await undecided();
  await sql.query("UPDATE payments SET next_check_at = NULL WHERE id = ?", [payment.id]);
  aheadMs += (ORDER_TTL_SECONDS + 1) * 1_000;
  await becomes(orderId, "EXPIRED");
  const late = await buyer.post(`/orders/${orderId}/pay`);
  assert.deepEqual([late.status, late.body.code], [409, "order.not_payable"]);
  assert.equal((await callBack(event)).status, 200);
  await until("it is paid back", async () => (await paymentOf(orderId)).status === "REFUNDED");
  assert.equal((await paymentOf(orderId)).reason, "the order was EXPIRED");
  assert.equal(await statusOf(orderId), "EXPIRED");
  await shop.auditIsClean();
});

async function alertsAbout(orderId: string) {
  const [rows] = await sql.query<RowDataPacket[]>(
    "SELECT payload FROM outbox WHERE exchange = 'ordering.alerts' AND subject = ?",
    [`order:${orderId}`],
  );
  return rows.map(({ payload }) => JSON.parse(payload));
}

/** The order's own money is 1,000; the provider has taken 999, and gives it back. */
async function isPaidBack(orderId: string) {
  const payment = async () => {
    const [rows] = await sql.query<RowDataPacket[]>(
      `SELECT p.status, p.taken_cents, p.reason, r.amount_cents, r.status AS refund_status
       FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id WHERE p.order_id = ?`,
      [orderId],
    );
    return rows;
  };
  await until("it is paid back", async () => (await payment())[0]?.status === "REFUNDED");
  assert.deepEqual(await payment(), [
    {
      status: "REFUNDED",
      taken_cents: 999,
      reason: "paid 999 EUR instead of 1000 EUR",
      amount_cents: 999,
      refund_status: "DONE",
    },
  ]);
  const [alert, ...more] = await alertsAbout(orderId);
  assert.deepEqual(
    [alert.kind, alert.asked, alert.taken, more.length],
    ["amount_mismatch", { amountCents: 1_000, currency: "EUR" }, { amountCents: 999, currency: "EUR" }, 0],
  );
  assert.equal(await statusOf(orderId), "FAILED_PAYMENT");
  assert.equal((await buyer.post(`/orders/${orderId}/pay`)).body.status, "PAID", "and it may be paid again");
  await shop.auditIsClean();
}

test("a payment of another amount goes back by itself, somebody is told, and the order may be paid again", async () => {
  const orderId = await place();
  const answer = await buyer.post(`/orders/${orderId}/pay`, { method: "sandbox:other-amount" });
  assert.deepEqual(
    [answer.status, answer.body.code, answer.body.orderStatus],
    [422, "payment.amount_mismatch", "FAILED_PAYMENT"],
  );
  await isPaidBack(orderId);
});

test("a callback alone does not prove another amount: the provider is asked, and what it says counts", async () => {
  const orderId = await place();
  const answer = await buyer.post(`/orders/${orderId}/pay`, { method: "sandbox:other-amount-late" });
  assert.equal(answer.status, 202);
  aheadMs += 6_000;
  await isPaidBack(orderId);

  const declined = await place();
  assert.equal((await buyer.post(`/orders/${declined}/pay`, { method: "sandbox:declined" })).status, 402);
  const { id, amount_cents } = await paymentOf(declined);
  const lie = { id, status: "succeeded", amountCents: amount_cents + 1, currency: "EUR", reference: "r" };
  assert.equal((await callBack(lie)).body.code, "payment.amount_mismatch");
  const toBeAsked = async () => {
    const [rows] = await sql.query<RowDataPacket[]>("SELECT next_check_at FROM payments WHERE id = ?", [id]);
    return rows[0]?.next_check_at !== null;
  };
  assert.ok(await toBeAsked());
  aheadMs += 6_000;
  await until("it was asked about", async () => !(await toBeAsked()));
  assert.equal((await paymentOf(declined)).status, "DECLINED");
  assert.deepEqual(await alertsAbout(declined), []);
});

test("money that comes after cancelling is paid back by itself", async () => {
  const { orderId, event } = await undecided();
  assert.equal((await buyer.post(`/orders/${orderId}/cancel`)).status, 200);
  await callBack(event);
  await until("it is paid back", async () => (await paymentOf(orderId)).status === "REFUNDED");
  assert.equal(await statusOf(orderId), "CANCELLED");
});

test("paying and expiring at the same moment: one wins, and the books are right", async () => {
  const orders = await Promise.all(Array.from({ length: 20 }, () => place()));
  const paying = orders.map((orderId) => buyer.post(`/orders/${orderId}/pay`));
  aheadMs += (ORDER_TTL_SECONDS + 1) * 1_000;
  await Promise.all(paying);
  for (const orderId of orders) {
    await until(`order ${orderId} is decided`, async () =>
      ["PAID", "EXPIRED"].includes(await statusOf(orderId)),
    );
  }
  await until("no money is kept of expired orders", async () => {
    const [rows] = await sql.query<RowDataPacket[]>(
      `SELECT p.id FROM payments p JOIN orders o ON o.id = p.order_id
       WHERE o.status = 'EXPIRED' AND p.status IN ('SUCCEEDED', 'REFUND_DUE')`,
    );
    return rows.length === 0;
  });
  await shop.auditIsClean();
});
