import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Channel, connect } from "amqplib";
import {
  createTestDatabase,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { until } from "../../../test/until.ts";
import { runMigrations } from "../../compose.ts";
import { newUuid } from "../../kernel/ids.ts";
import { runAudits } from "../../platform/audit.ts";
import { createLogger } from "../../platform/logger.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { parkedLimits, parkedMessagesIn } from "../../platform/rabbit/parked-messages.ts";
import { openStock } from "./application/adjust-stock.ts";
import { createExpireOrders } from "./application/expire-orders.ts";
import { expiryLimits } from "./application/limits.ts";
import { createPlaceOrder } from "./application/place-order.ts";
import { laneKeeper } from "./infrastructure/expiry-lane-keeper.ts";
import { declareExpiryTopology, expiryLanes, expiryTopology, laneOf } from "./infrastructure/expiry-lanes.ts";
import { messageAudits } from "./infrastructure/message-audits.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";
import { collectParked } from "./infrastructure/parking.ts";
import { traceOrder } from "./infrastructure/trace.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
await runMigrations({ MYSQL_URL: testDatabase.url });
const vhost = await createTestVhost(services);
const broker = await connect(vhost.url);
const channel = await broker.createConfirmChannel();
const database = openDatabase(testDatabase.url);
const logger = createLogger("test", "silent", process.stdout);
const parked = parkedMessagesIn(database);
const lanes = expiryLanes(60, 2);
const book = orderBookIn(database, lanes);

after(async () => {
  await broker.close();
  await database.close();
  await vhost.close();
  await testDatabase.close();
  await services.close();
});

async function placeOrder(nowMs: number): Promise<string> {
  await openStock(book, 1, 1_000, { actor: "test", reason: "test", nowMs });
  const place = createPlaceOrder({
    book,
    products: { findPrices: async () => new Map([[1, { priceCents: 100, currency: "EUR" }]]) },
    clock: () => nowMs,
    newId: newUuid,
    orderTtlMs: 60_000,
    unpaidMax: 100,
  });
  const { body } = await place({
    userId: 1,
    lines: [{ productId: 1, quantity: 1 }],
    idempotencyKey: undefined,
  });
  return JSON.parse(body).id;
}

const exists = async (queue: string) => {
  const probe: Channel = await broker.createChannel();
  probe.on("error", () => undefined);
  try {
    const { messageCount } = await probe.checkQueue(queue);
    await probe.close();
    return messageCount;
  } catch {
    return undefined;
  }
};

test("a message leaves one receipt, with what came of it the first time and how often it came", async () => {
  const nowMs = Date.now();
  const orderId = await placeOrder(nowMs);
  const reminder = { orderId, messageId: newUuid() };
  const early = { orderId, messageId: newUuid() };
  const at = (ms: number) => createExpireOrders({ book, clock: () => ms });
  assert.deepEqual(await at(nowMs + 59_999).reminded([early]), []);
  assert.deepEqual(await at(nowMs + 60_000).reminded([reminder, reminder]), []);
  assert.deepEqual(await at(nowMs + 60_001).reminded([reminder]), []);
  const receipts = await database.query(
    "SELECT message_id, outcome, deliveries FROM expiry_receipts WHERE order_id = ? ORDER BY outcome",
    [orderId],
  );
  assert.deepEqual(receipts, [
    { message_id: reminder.messageId, outcome: "expired", deliveries: 3 },
    { message_id: early.messageId, outcome: "passed-by", deliveries: 1 },
  ]);
  while ((await book.pruneReceipts(nowMs + 60_001, 1)) > 0);
  const left = await database.query("SELECT message_id FROM expiry_receipts WHERE order_id = ?", [orderId]);
  assert.deepEqual(left, [], "what is older than that time is pruned");
});

test("orders spread over the lanes by their ids, and one that may be unpaid for too long has none", () => {
  const lane = (id: string) => laneOf(lanes, id)?.queue;
  const id = newUuid();
  assert.equal(lane(id), lane(id));
  const used = new Set(Array.from({ length: 64 }, () => lane(newUuid())));
  assert.deepEqual(
    [...used].sort(),
    lanes.map(({ queue }) => queue),
  );
  assert.deepEqual(expiryLanes(expiryLimits.laneTtlSecondsMax + 1, 2), []);
  assert.equal(laneOf([], id), undefined);
});

test("lanes of an old configuration keep what waits in them, and are deleted when it is gone", async () => {
  let nowMs = Date.now();
  const clock = () => nowMs;
  const old = expiryLanes(2, 1);
  const [oldLane] = old;
  assert.ok(oldLane !== undefined);
  await declareExpiryTopology(channel, old);
  await laneKeeper({ database, lanes: old, clock, logger }).takeUp(broker);
  const send = (orderId: string) =>
    channel.publish(
      expiryTopology.waitExchange,
      oldLane.routingKey,
      Buffer.from(JSON.stringify({ orderId })),
      {
        persistent: true,
        mandatory: true,
      },
    );
  const waiting = newUuid();
  send(waiting);
  await channel.waitForConfirms();

  await declareExpiryTopology(channel, lanes);
  const keeper = laneKeeper({ database, lanes, clock, logger });
  await keeper.takeUp(broker);
  await keeper.takeUp(broker);
  const straight = newUuid();
  send(straight);
  await channel.waitForConfirms();
  const seen: string[] = [];
  await channel.consume(expiryTopology.dueQueue, (message) => {
    if (message === null) return;
    seen.push(JSON.parse(message.content.toString()).orderId);
    channel.ack(message);
  });
  await until("both fall due", async () => seen.length === 2);
  assert.deepEqual(seen, [straight, waiting], "a message for a lane that is retired falls due at once");

  nowMs += oldLane.ttlMs + expiryLimits.laneDrainedAfterMs - 1;
  await keeper.deleteDrained(broker);
  assert.equal(await exists(oldLane.queue), 0, "not before its time");
  nowMs += 1;
  await keeper.deleteDrained(broker);
  assert.equal(await exists(oldLane.queue), undefined);
  for (const { queue } of lanes) assert.equal(await exists(queue), 0);
  const known = await database.query<{ queue: string }>("SELECT queue FROM expiry_lanes ORDER BY queue");
  assert.deepEqual(
    known,
    lanes.map(({ queue }) => ({ queue })),
  );
});

test("a parked message is kept whole, sent again through the outbox once, or dropped", async () => {
  const content = Buffer.from(JSON.stringify({ orderId: "nobody's" }));
  const properties = { messageId: "m", headers: { why: "not" } } as never;
  await parked.park("some.queue", { content, properties }, "it names no order", Date.now());
  await parked.park("some.queue", { content: Buffer.from([0xff, 0xfe]), properties }, "no JSON", Date.now());
  const long = Buffer.alloc(parkedLimits.bodyBytesMax + 1, "x");
  await parked.park("some.queue", { content: long, properties }, "too long", Date.now());
  const [cut, binary, text] = await parked.list();
  assert.ok(cut !== undefined && binary !== undefined && text !== undefined);
  assert.deepEqual([text.body, text.reason, text.headers], [content, "it names no order", { why: "not" }]);
  assert.deepEqual([cut.body.length, cut.bodyBytes], [parkedLimits.bodyBytesMax, long.length]);

  assert.equal(await parked.retry(cut.id, Date.now()), "cut");
  assert.equal(await parked.retry(binary.id, Date.now()), "not-text");
  const twice = await Promise.all([1, 2].map(() => parked.retry(text.id, Date.now())));
  assert.deepEqual(twice.sort(), ["sent", "unknown"]);
  const sent = await database.query("SELECT exchange, routing_key, payload FROM outbox WHERE subject = ?", [
    `parked:${text.id}`,
  ]);
  assert.deepEqual(sent, [{ exchange: "", routing_key: "some.queue", payload: content.toString() }]);
  assert.equal(await parked.drop(cut.id, Date.now()), true);
  assert.equal(await parked.drop(cut.id, Date.now()), false);
  assert.deepEqual(
    (await parked.list()).map(({ id }) => id),
    [binary.id],
  );
});

/** An order whose message came back from the broker long ago, and made our code fail; the row of the parked one. */
async function parkedReminder() {
  const nowMs = Date.now();
  const orderId = await placeOrder(nowMs);
  const [sent] = await database.query<{ message_id: string; payload: string }>(
    "SELECT message_id, payload FROM outbox WHERE subject = ?",
    [`order:${orderId}`],
  );
  assert.ok(sent !== undefined);
  const hoursAgo = "UTC_TIMESTAMP(6) - INTERVAL 2 HOUR";
  await database.execute(`UPDATE outbox SET published_at = ${hoursAgo} WHERE message_id = ?`, [
    sent.message_id,
  ]);
  await database.execute(`UPDATE orders SET expires_at = ${hoursAgo} WHERE id = ?`, [orderId]);
  const properties = { messageId: sent.message_id, headers: {} } as never;
  const content = Buffer.from(sent.payload);
  await parked.park(expiryTopology.dueQueue, { content, properties }, "it failed", nowMs - 3_600_000);
  const [row] = await parked.list();
  assert.ok(row !== undefined);
  const complaints = async () => {
    const results = await runAudits(database, messageAudits);
    return results.filter(({ broken }) => broken.length > 0).map(({ name }) => name);
  };
  const texts = async () => {
    const traced = await traceOrder(database, orderId);
    const told = traced?.events.filter(({ kind }) => kind === "message") ?? [];
    return told.map(({ text }) => text.replaceAll(sent.message_id, "it"));
  };
  return { orderId, messageId: sent.message_id, id: row.id, complaints, texts };
}

test("a message that is sent again is the same one: its receipt counts, its trace goes on, the audit is content", async () => {
  await database.execute("DELETE FROM parked_messages");
  const { orderId, messageId, id, complaints, texts } = await parkedReminder();
  assert.deepEqual(await complaints(), ["messages: none is parked (npx sluice parked list)"]);
  const now = Date.now();
  assert.equal(await parked.retry(id, now), "sent");
  const again = await database.query(
    "SELECT message_id, sending, subject FROM outbox WHERE exchange = '' AND routing_key = ? ORDER BY id DESC LIMIT 1",
    [expiryTopology.dueQueue],
  );
  assert.deepEqual(again, [{ message_id: messageId, sending: 2, subject: `order:${orderId}` }]);
  assert.deepEqual(await complaints(), [], "it has a while to arrive");
  await database.execute("UPDATE parked_messages SET settled_at = settled_at - INTERVAL 1 HOUR");
  assert.deepEqual((await complaints()).length, 1, "and is missed when it does not");

  // Its time has come: it was set back by two hours.
  assert.deepEqual(
    await createExpireOrders({ book, clock: () => now }).reminded([{ orderId, messageId }]),
    [],
  );
  assert.deepEqual(await complaints(), []);
  const lane = laneOf(lanes, orderId)?.routingKey;
  assert.deepEqual((await texts()).sort(), [
    "it confirmed by the broker",
    `it parked as ${id}: it failed`,
    "it received: expired",
    `it sent again, which was parked as ${id}`,
    `it written for ${expiryTopology.dueQueue}, for the 2. time`,
    `it written for ${expiryTopology.waitExchange} ${lane}`,
  ]);

  await parked.prune(now, 10);
  assert.ok(
    (await texts()).some((text) => text.startsWith("it received")),
    "the message stays when that is pruned",
  );
  assert.equal((await database.query("SELECT id FROM parked_messages")).length, 0);
});

test("a message that is dropped is not missed by the audit, and the trace says who it was", async () => {
  const { id, complaints, texts } = await parkedReminder();
  assert.equal(await parked.drop(id, Date.now()), true);
  await database.execute("UPDATE parked_messages SET settled_at = settled_at - INTERVAL 1 HOUR");
  assert.deepEqual(await complaints(), []);
  assert.ok((await texts()).includes(`it dropped, which was parked as ${id}`));
  assert.deepEqual([await parked.find(id), await parked.list()], [undefined, []]);
  await database.execute("DELETE FROM parked_messages");
});

test("whoever has a parked message tried again that is not there hears so, with an exit code", async () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const asked = promisify(execFile)(process.execPath, [main, "parked", "retry", "9999"], {
    env: { MYSQL_URL: testDatabase.url },
  });
  await assert.rejects(asked, { code: 1, stderr: "there is no parked message 9999\n" });
});

test("what the broker has parked while MySQL was away comes into the database later, with its reason", async () => {
  await database.execute("DELETE FROM parked_messages");
  const own = await broker.createChannel();
  await declareExpiryTopology(own, lanes);
  channel.sendToQueue(expiryTopology.parkedQueue, Buffer.from("{"), {
    persistent: true,
    headers: { "x-first-death-reason": "rejected" },
  });
  await channel.waitForConfirms();
  await until("it is collected", async () => {
    await collectParked(broker, parked, Date.now);
    return (await parked.list()).length === 1;
  });
  const [collected] = await parked.list();
  assert.deepEqual([collected?.body.toString(), collected?.reason], ["{", "the broker parked it: rejected"]);
  assert.equal(await exists(expiryTopology.parkedQueue), 0);
});
