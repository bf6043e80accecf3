import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../../cli/src/services/for-tests.ts";
import { runMigrations } from "../../../compose.ts";
import { newUuid } from "../../../kernel/ids.ts";
import { openDatabase } from "../../../platform/mysql/database.ts";
import { expiryLanes } from "../infrastructure/expiry-lanes.ts";
import { orderBookIn } from "../infrastructure/order-book.ts";
import { openStock } from "./adjust-stock.ts";
import { createPayOrder } from "./pay-order.ts";
import { createPlaceOrder } from "./place-order.ts";
import type { PaymentProvider } from "./ports.ts";
import { createReconcilePayments } from "./reconcile-payments.ts";
import { createSettlePayment } from "./settle-payment.ts";
import { createSettleRefund } from "./settle-refund.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const database = openDatabase(testDatabase.url);

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

test("a charge that is sent again while it is looked for is not declined, and is found the next time", async () => {
  let nowMs = Date.now();
  const clock = () => nowMs;
  const book = orderBookIn(database, expiryLanes(60, 2));
  let whileLookingFor = async () => {};
  let arrived = false;
  const provider: PaymentProvider = {
    name: "scripted",
    defaultMethod: undefined,
    takes: () => true,
    cancel: async () => {
      throw new Error("what was sent again is not cancelled");
    },
    charge: async () => ({ outcome: "unknown" }),
    find: async ({ id, amountCents, currency }) => {
      if (arrived) return { outcome: "succeeded", amountCents, currency, reference: id };
      await whileLookingFor();
      return { outcome: "absent" };
    },
    refund: async () => ({ outcome: "unknown" }),
    readCallback: () => ({ outcome: "malformed" }),
  };
  const providers = { current: provider, named: () => provider };
  const settle = createSettlePayment({ book, clock, newId: newUuid });
  const settleRefund = createSettleRefund({ book, clock });
  const common = { book, providers, settle, settleRefund, clock, newId: newUuid };
  const products = { findPrices: async () => new Map([[1, { priceCents: 100, currency: "EUR" }]]) };
  await openStock(book, 1, 1, { actor: "test", reason: "test", nowMs });
  const place = createPlaceOrder({ ...common, products, orderTtlMs: 60_000, unpaidMax: 1 });
  const lines = [{ productId: 1, quantity: 1 }];
  const placed = await place({ userId: 7, lines, idempotencyKey: undefined });
  const orderId = JSON.parse(placed.body).id;
  const pay = createPayOrder(common);
  const reconcile = createReconcilePayments(common);

  await pay({ userId: 7, orderId, method: "scripted" });
  nowMs += 6_000;
  whileLookingFor = async () => {
    await pay({ userId: 7, orderId, method: "scripted" });
    arrived = true;
  };
  assert.equal(await reconcile(), 1);
  assert.equal((await book.find(7, orderId))?.status, "PENDING_PAYMENT");
  nowMs += 6_000;
  assert.equal(await reconcile(), 1);
  assert.equal((await book.find(7, orderId))?.status, "PAID");
});
