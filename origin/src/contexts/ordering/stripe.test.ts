import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestShop } from "../../../test/start-shop.ts";
import { signStripe, startStripeStandIn } from "../../../test/stripe-stand-in.ts";
import { until } from "../../../test/until.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const stripe = await startStripeStandIn();
const folder = await mkdtemp(join(tmpdir(), "sluice-stripe-"));
const rolled = "whsec_the_one_before";
await writeFile(join(folder, "key"), `${stripe.secretKey}\n`);
await writeFile(join(folder, "webhook"), `${rolled}\n${stripe.webhookSecret}\n`);
const settings = {
  PAYMENTS_PROVIDER: "stripe",
  STRIPE_URL: stripe.url,
  STRIPE_KEY_FILE: join(folder, "key"),
  STRIPE_WEBHOOK_SECRETS_FILE: join(folder, "webhook"),
  LOG_LEVEL: "error",
};
let aheadMs = 0;
const shop = await startTestShop(
  { mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix, rabbitmqUrl: vhost.url },
  { clock: () => Date.now() + aheadMs },
  { ORDER_TTL_SECONDS: "1000", ...settings },
);
let worker = await shop.startWorker();
const buyer = await shop.join();
const product = await shop.product(1_000);

after(async () => {
  await worker.close();
  await shop.close();
  await stripe.close();
  await prefix.close();
  await vhost.close();
  await database.close();
  await services.close();
  await rm(folder, { recursive: true, force: true });
});

async function place(): Promise<string> {
  const placed = await buyer.order([{ productId: product, quantity: 1 }]);
  assert.equal(placed.status, 201, JSON.stringify(placed.body));
  return placed.body.id;
}

const pay = (orderId: string, method = "pm_card_visa") => buyer.post(`/orders/${orderId}/pay`, { method });
const orderOf = async (orderId: string) => (await buyer.get(`/orders/${orderId}`)).body;
const becomes = (orderId: string, status: string) =>
  until(`order ${orderId} is ${status}`, async () => (await orderOf(orderId)).status === status);
const lastIntent = () => {
  const intent = stripe.intents().at(-1);
  assert.ok(intent !== undefined);
  return intent;
};
const tell = ({ body, signature }: { body: string; signature: string }) =>
  shop.api.call("POST", "/payments/callback/stripe", body, { "stripe-signature": signature });

test("a charge is an intent that takes no money before its id is kept, and no key is used for two calls", async () => {
  const orderId = await place();
  const from = stripe.calls.length;
  const paid = await pay(orderId);
  assert.deepEqual([paid.status, paid.body.status], [200, "PAID"], JSON.stringify(paid.body));
  const calls = stripe.calls.slice(from);
  assert.deepEqual(
    calls.map(({ method, path }) => `${method} ${path.replace(/pi_\w+/, "pi")}`),
    ["POST /v1/payment_intents", "POST /v1/payment_intents/pi/confirm"],
  );
  const intent = lastIntent();
  const version = "2025-03-31.basil";
  const type = "application/x-www-form-urlencoded";
  const payment = intent.metadata.payment;
  assert.deepEqual(
    calls.map((call) => [call.version, call.type, call.key, call.form]),
    [
      [
        version,
        type,
        `${payment}.create`,
        {
          amount: "1000",
          currency: "eur",
          payment_method: "pm_card_visa",
          "payment_method_types[]": "card",
          "metadata[payment]": payment,
        },
      ],
      [
        version,
        type,
        `${payment}.confirm`,
        { payment_method: "pm_card_visa", error_on_requires_action: "true" },
      ],
    ],
  );
  assert.equal(stripe.heldCents(), 1_000);
  const refunded = await buyer.post(`/orders/${orderId}/refund`);
  assert.deepEqual([refunded.status, refunded.body.status], [200, "REFUNDED"], JSON.stringify(refunded.body));
  assert.equal(stripe.heldCents(), 0);
  const asked = stripe.calls.filter(({ method, path }) => method === "POST" && path === "/v1/refunds").at(-1);
  const { id: refundId } = refunded.body.refund;
  assert.deepEqual(
    [asked?.version, asked?.key, asked?.form],
    [
      version,
      `${refundId}.1.refund`,
      { payment_intent: intent.id, amount: "1000", "metadata[refund]": `${refundId}.1` },
    ],
  );
  const posts = stripe.calls.slice(from).filter(({ method }) => method === "POST");
  const keys = posts.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, "the stand-in refuses a key that comes with another call");
  await shop.auditIsClean();
});

test("a card that is declined leaves the order to be paid by another one", async () => {
  const orderId = await place();
  const declined = await pay(orderId, "pm_declined");
  assert.deepEqual([declined.status, declined.body.code], [402, "payment.declined"]);
  assert.equal((await pay(orderId)).body.status, "PAID");
  const unknown = await buyer.post(`/orders/${await place()}/pay`);
  assert.deepEqual([unknown.status, unknown.body.code], [422, "payment.method_unknown"]);
});

test("a card whose owner has to confirm is declined with that reason, and another one may pay", async () => {
  const orderId = await place();
  const wanted = await pay(orderId, "pm_3ds");
  assert.deepEqual([wanted.status, wanted.body.code], [402, "payment.confirmation_wanted"]);
  assert.equal((await orderOf(orderId)).status, "FAILED_PAYMENT");
  assert.equal((await pay(orderId)).body.status, "PAID");
});

test("an answer that is lost after the money was taken is found out by the intent's id", async () => {
  const orderId = await place();
  stripe.fail(/confirm$/, "lost after");
  assert.equal((await pay(orderId)).status, 202);
  aheadMs += 6_000;
  await becomes(orderId, "PAID");
});

test("what failed for a moment is repeated with the same key, and charged once", async () => {
  const held = stripe.heldCents();
  const orderId = await place();
  stripe.fail(/payment_intents$/, "500");
  stripe.fail(/confirm$/, "500", 2);
  assert.equal((await pay(orderId)).body.status, "PAID");
  assert.equal(stripe.heldCents() - held, 1_000);
});

test("an intent that was never confirmed is cancelled before the payment is declined", async () => {
  const orderId = await place();
  stripe.fail(/confirm$/, "lost before");
  assert.equal((await pay(orderId)).status, 202);
  aheadMs += 6_000;
  await becomes(orderId, "FAILED_PAYMENT");
  assert.equal(lastIntent().status, "canceled");
});

test("another method replaces an attempt that hangs, and never are both charged", async () => {
  const held = stripe.heldCents();
  const orderId = await place();
  stripe.fail(/confirm$/, "lost before");
  assert.equal((await pay(orderId, "pm_first")).status, 202);
  const first = lastIntent();
  assert.equal((await pay(orderId, "pm_second")).body.status, "PAID");
  assert.deepEqual([first.status, lastIntent().payment_method], ["canceled", "pm_second"]);
  assert.equal(stripe.heldCents() - held, 1_000);
});

test("a payment that is being processed is finished by its event, which is believed when it is signed", async () => {
  const orderId = await place();
  assert.equal((await pay(orderId, "pm_processing")).status, 202);
  const { id, amount } = lastIntent();
  const done = { status: "succeeded", amount_received: amount };
  const event = stripe.event("payment_intent.succeeded", id, done);
  const forged = [
    { ...event, signature: signStripe(event.body, "whsec_other", Date.now()) },
    { ...event, signature: signStripe(event.body, stripe.webhookSecret, Date.now() - 600_000) },
    { ...event, body: event.body.replace("1000", "1") },
    { ...event, signature: event.signature.replace("v1", "v0") },
    { ...event, signature: "" },
  ];
  for (const one of forged) assert.equal((await tell(one)).body.code, "payment.signature_invalid");
  const tooLittle = stripe.event("payment_intent.succeeded", id, { ...done, amount_received: 1 });
  assert.equal((await tell(tooLittle)).body.code, "payment.amount_mismatch");
  assert.equal((await orderOf(orderId)).status, "PENDING_PAYMENT");
  for (const secret of [stripe.webhookSecret, rolled]) {
    assert.equal(
      (await tell({ ...event, signature: signStripe(event.body, secret, Date.now()) })).status,
      200,
    );
  }
  assert.equal((await orderOf(orderId)).status, "PAID");
  await tell(stripe.event("payment_intent.payment_failed", id, { status: "requires_payment_method" }));
  assert.equal((await orderOf(orderId)).status, "PAID", "an older event takes nothing back");
  const foreign = stripe.event("payment_intent.succeeded", id, { ...done, metadata: {} });
  assert.equal((await tell(foreign)).status, 200, "what others do with the account is not our matter");
});

test("parts go back by refunds of their own, which may fail later and are tried again", async () => {
  const orderId = await place();
  await pay(orderId);
  const refund = (amountCents: number, key: string) =>
    shop.api.call(
      "POST",
      `/orders/${orderId}/refund`,
      { amountCents },
      {
        authorization: `Bearer ${buyer.token}`,
        "idempotency-key": key,
      },
    );
  const [first, again] = [await refund(300, "a"), await refund(300, "a")];
  assert.equal(first.body.refund.id, again.body.refund.id);
  assert.equal(first.body.status, "PAID");
  assert.equal((await refund(301, "a")).body.code, "idempotency.key_reused");
  assert.equal((await refund(800, "b")).body.code, "refund.too_large");
  assert.equal(
    (await buyer.post(`/orders/${orderId}/refund`, { amountCents: 1 })).body.code,
    "idempotency.key_required",
  );

  const made = stripe.refunds().at(-1);
  assert.ok(made !== undefined);
  stripe.failRefund(made.id);
  const failed = stripe.event("refund.failed", made.id);
  assert.equal((await tell(failed)).status, 200);
  assert.equal((await orderOf(orderId)).refunds[0].status, "DUE");
  assert.equal((await tell(failed)).status, 200);
  aheadMs += 6_000;
  await until(
    "the second attempt is done",
    async () => (await orderOf(orderId)).refunds[0].status === "DONE",
  );
  const [tried] = (await orderOf(orderId)).refunds;
  assert.deepEqual([tried.attempt, tried.amountCents], [2, 300]);
  const late = stripe.event("refund.updated", made.id, { status: "succeeded" });
  assert.equal((await tell(late)).status, 200, "news of the attempt before is none");

  assert.equal((await buyer.post(`/orders/${orderId}/refund`)).body.status, "REFUNDED");
  await shop.auditIsClean();
});

test("a refund whose answer was lost is found before it is asked for again, when its key is long forgotten", async () => {
  const orderId = await place();
  await pay(orderId);
  const headers = (key: string) => ({ authorization: `Bearer ${buyer.token}`, "idempotency-key": key });
  const refund = (body: object, key: string) =>
    shop.api.call("POST", `/orders/${orderId}/refund`, body, headers(key));
  const held = stripe.heldCents();
  stripe.fail(/refunds$/, "lost after on POST");
  assert.equal((await refund({ amountCents: 100 }, "lost")).status, 202);
  assert.equal(held - stripe.heldCents(), 100);
  // More than a page of others, which were made later.
  for (const key of ["b", "c", "d"]) assert.equal((await refund({ amountCents: 100 }, key)).status, 200);
  stripe.forgetKeys();
  aheadMs += 6_000;
  await until("it is known to be done", async () => {
    const { refunds } = await orderOf(orderId);
    return refunds.every(({ status }: { status: string }) => status === "DONE");
  });
  assert.equal(held - stripe.heldCents(), 400, "it was paid back once");
  assert.equal(
    (await refund({}, "lost")).body.code,
    "idempotency.key_reused",
    "a part is not all that is left",
  );
  assert.equal((await refund({ amountCents: 100 }, "lost")).status, 200);
});

test("after a change of provider each payment is asked about at the one that made it", async () => {
  const orderId = await place();
  stripe.fail(/confirm$/, "lost after");
  assert.equal((await pay(orderId)).status, 202);
  await worker.close();
  worker = await shop.startWorker({ PAYMENTS_PROVIDER: "sandbox" });
  aheadMs += 6_000;
  await becomes(orderId, "PAID");
});
