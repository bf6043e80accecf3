import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../cli/src/services/for-tests.ts";
import { type Answer, scriptedProvider } from "../test/scripted-provider.ts";
import { runMigrations } from "./compose.ts";
import { openStock } from "./contexts/ordering/application/adjust-stock.ts";
import { createPayOrder } from "./contexts/ordering/application/pay-order.ts";
import { createPlaceOrder } from "./contexts/ordering/application/place-order.ts";
import { createRefundOrder } from "./contexts/ordering/application/refund-order.ts";
import { createSettlePayment } from "./contexts/ordering/application/settle-payment.ts";
import { createSettleRefund } from "./contexts/ordering/application/settle-refund.ts";
import { expiryLanes } from "./contexts/ordering/infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./contexts/ordering/infrastructure/order-book.ts";
import { parkedCommand, traceCommand, UsageError } from "./inspect.ts";
import { newUuid } from "./kernel/ids.ts";
import { openDatabase } from "./platform/mysql/database.ts";
import { parkedMessagesIn } from "./platform/rabbit/parked-messages.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
const env = { MYSQL_URL: testDatabase.url };
await runMigrations(env);
const database = openDatabase(testDatabase.url);

after(async () => {
  await database.close();
  await testDatabase.close();
  await services.close();
});

/** What a command prints, and the exit code that it asks for. */
async function printed(t: TestContext, command: () => Promise<void>) {
  const lines: string[] = [];
  const collect = (line: unknown) => void lines.push(String(line));
  const [out, err] = [t.mock.method(console, "log", collect), t.mock.method(console, "error", collect)];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await command();
    return { lines, code: process.exitCode };
  } finally {
    process.exitCode = before;
    out.mock.restore();
    err.mock.restore();
  }
}

/** An order that was paid by a second card, and of which a part goes back by a second attempt. */
async function eventfulOrder() {
  let nowMs = Date.now();
  const clock = () => ++nowMs;
  const answers: Answer[] = ["declined", "succeeded", "declined", "succeeded"];
  const { provider } = scriptedProvider(() => answers.shift() ?? "succeeded");
  const providers = { current: provider, named: () => provider };
  const book = orderBookIn(database, expiryLanes(60, 1));
  const settle = createSettlePayment({ book, clock, newId: newUuid });
  const settleRefund = createSettleRefund({ book, clock });
  const common = { book, providers, settle, settleRefund, clock, newId: newUuid };
  await openStock(book, 1, 5, { actor: "test", reason: "trace", nowMs });
  const prices = new Map([[1, { priceCents: 500, currency: "EUR" }]]);
  const products = { findPrices: async () => prices };
  const place = createPlaceOrder({ ...common, products, orderTtlMs: 60_000, unpaidMax: 5 });
  const lines = [{ productId: 1, quantity: 2 }];
  const { body } = await place({ userId: 7, lines, idempotencyKey: undefined });
  const orderId: string = JSON.parse(body).id;
  const pay = createPayOrder(common);
  await assert.rejects(pay({ userId: 7, orderId, method: "card-1" }));
  await pay({ userId: 7, orderId, method: "card-2" });
  const refund = createRefundOrder(common);
  const wish = {
    orderId,
    userId: 7,
    actor: "user:7",
    reason: "scratched",
    amountCents: 300,
    idempotencyKey: "k",
  };
  const failed = await refund(wish);
  assert.equal(failed.refund.status, "DUE");
  const done = await refund(wish);
  assert.deepEqual([done.refund.status, done.refund.attempt], ["DONE", 2]);
  return { orderId, refundId: done.refund.id, failure: failed.refund.failure };
}

test("the trace of an order tells its states, its pieces, every attempt to pay, and what goes back and why", async (t) => {
  const { orderId, refundId, failure } = await eventfulOrder();
  const payments = await database.query<{ id: string }>(
    "SELECT id FROM payments WHERE order_id = ? ORDER BY created_at",
    [orderId],
  );
  const [first, second] = payments.map(({ id }) => id);
  const { lines, code } = await printed(t, () => traceCommand(env, ["order", orderId]));
  assert.equal(code, 0);
  assert.match(lines[0] ?? "", new RegExp(`^order ${orderId} of user 7: PAID, to be paid until `));
  const told = lines.slice(1).map((line) => line.trim().split(/ {2,}/));
  assert.deepEqual(
    told.map(([at = ""]) => at),
    told.map(([at = ""]) => at).sort(),
    "the oldest first",
  );
  const of = (kind: string) => told.filter(([, one]) => one === kind).map(([, , text]) => text);
  assert.deepEqual(of("order"), [
    "CREATED by user:7: placed",
    "CREATED → PENDING_PAYMENT by user:7: placed",
    "PENDING_PAYMENT → FAILED_PAYMENT by provider:scripted: declined",
    "FAILED_PAYMENT → PENDING_PAYMENT by user:7: another attempt to pay",
    "PENDING_PAYMENT → PAID by provider:scripted: succeeded",
  ]);
  assert.deepEqual(of("stock"), ["RESERVE 2 of product 1", "SELL 2 of product 1"]);
  assert.deepEqual(of("payment"), [
    `started ${first}: 1000 EUR by card-1 at scripted`,
    `DECLINED ${first} (${first})`,
    `started ${second}: 1000 EUR by card-2 at scripted`,
    `SUCCEEDED ${second} (${second})`,
  ]);
  assert.deepEqual(of("refund"), [
    `owed ${refundId}: 300 EUR of ${second} by user:7: scratched`,
    `DONE ${refundId}, attempt 2 (${refundId}.2)`,
  ]);
  assert.equal(failure, "scripted");
  assert.equal(of("message").length, 1);

  const json = await printed(t, () => traceCommand(env, ["order", orderId, "--json"]));
  assert.equal(JSON.parse(json.lines.join("")).events.length, told.length);
  const nobodys = newUuid();
  assert.deepEqual(await printed(t, () => traceCommand(env, ["order", nobodys])), {
    lines: [`there is no order ${nobodys}`],
    code: 1,
  });
  await assert.rejects(traceCommand(env, ["product", "1"]), UsageError);
});

test("parked messages are listed, shown, sent again and dropped, and what is not there is told with an exit code", async (t) => {
  const parked = (...args: string[]) => printed(t, () => parkedCommand(env, args));
  assert.deepEqual(await parked("list"), { lines: ["nothing is parked"], code: 0 });
  const lot = parkedMessagesIn(database);
  const park = async (text: string) => {
    const properties = { messageId: newUuid(), headers: { "x-death": "1" } } as never;
    await lot.park("some.queue", { content: Buffer.from(text), properties }, "it names no order", Date.now());
    return (await lot.list())[0]?.id ?? 0;
  };
  const [first, second] = [await park("{}"), await park('{"a":1}')];

  const listed = await parked("list");
  assert.deepEqual(
    listed.lines.map((line) => line.split(/ {2,}/)).map(([id, , ...rest]) => [id, ...rest]),
    [
      [`${second}`, "some.queue", "7 bytes", "it names no order"],
      [`${first}`, "some.queue", "2 bytes", "it names no order"],
    ],
  );
  const [shown] = (await parked("show", `${second}`, "--json")).lines;
  assert.equal(JSON.parse(shown ?? "").body, '{"a":1}');
  const whole = (await parked("show", `${first}`)).lines.join("\n");
  for (const part of [/^queue +some\.queue$/m, /^headers +\{"x-death":"1"\}$/m, /^body +\{\}$/m]) {
    assert.match(whole, part);
  }

  assert.deepEqual(await parked("retry", `${first}`), {
    lines: [`message ${first} is in the outbox again`],
    code: 0,
  });
  assert.deepEqual(await parked("drop", `${second}`), { lines: [`message ${second} is dropped`], code: 0 });
  for (const action of ["show", "retry", "drop"]) {
    for (const id of [first, second, 9_999]) {
      const told = { lines: [`there is no parked message ${id}`], code: 1 };
      assert.deepEqual(await parked(action, `${id}`), told, `${action} ${id}`);
    }
  }
  for (const args of [["keep", "1"], ["show", "one"], ["retry", "0"], ["drop"]]) {
    await assert.rejects(parkedCommand(env, args), UsageError);
  }
});
