import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect } from "amqplib";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestShop } from "../../../test/start-shop.ts";
import { until } from "../../../test/until.ts";
import { createLogger } from "../../platform/logger.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { connectRabbit } from "../../platform/rabbit/connect.ts";
import { parkedMessagesIn } from "../../platform/rabbit/parked-messages.ts";
import { createExpireOrders } from "./application/expire-orders.ts";
import { expiryLimits } from "./application/limits.ts";
import { expiryConsumer } from "./infrastructure/expiry-consumer.ts";
import { expiryLanes, expiryTopology, laneOf } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";

const lanes = expiryLanes(1, 2);
const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const shop = await startTestShop(
  { mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix, rabbitmqUrl: vhost.url },
  {},
  { ORDER_TTL_SECONDS: "1", ORDER_UNPAID_MAX: "1000" },
);
const sql = await createConnection(database.url);
const broker = await connect(vhost.url);
const channel = await broker.createConfirmChannel();
const buyer = await shop.join();
const product = await shop.product(1_000);

after(async () => {
  await broker.close();
  await sql.end();
  await shop.close();
  await prefix.close();
  await vhost.close();
  await database.close();
  await services.close();
});

/** The consumer alone, without the sweeper that would find everything as well. */
async function startConsumer(clock = Date.now) {
  const logger = createLogger("test", "silent", process.stdout);
  const pool = openDatabase(database.url);
  const expire = createExpireOrders({ book: orderBookIn(pool, lanes), clock });
  const parked = parkedMessagesIn(pool);
  const consumer = expiryConsumer({ expire, lanes, parked, clock: Date.now, logger });
  const connected = Promise.withResolvers<void>();
  const rabbit = await connectRabbit({
    url: vhost.url,
    logger,
    onConnect: async (model) => {
      await consumer.onConnect(model);
      connected.resolve();
    },
  });
  await connected.promise;
  return {
    close: async () => {
      await consumer.close();
      await rabbit.close();
      await pool.close();
    },
  };
}

async function place(): Promise<{ id: string; expiresAtMs: number }> {
  const placed = await buyer.order([{ productId: product, quantity: 1 }]);
  assert.equal(placed.status, 201, JSON.stringify(placed.body));
  return { id: placed.body.id, expiresAtMs: Date.parse(placed.body.expiresAt) };
}

const isExpired = async (id: string) => (await buyer.get(`/orders/${id}`)).body.status === "EXPIRED";
const message = (orderId: string) => Buffer.from(JSON.stringify({ orderId }));
const wait = (orderId: string) => {
  const lane = laneOf(lanes, orderId);
  channel.publish(expiryTopology.waitExchange, lane?.routingKey ?? "", message(orderId), {
    persistent: true,
  });
};
const depthOf = async (queue: string) => (await channel.checkQueue(queue)).messageCount;

const parkedRows = async () => (await sql.query<RowDataPacket[]>("SELECT * FROM parked_messages"))[0];

test("the outbox holds one message for each order, addressed to the lane", async () => {
  const { id } = await place();
  const [rows] = await sql.query(
    "SELECT exchange, routing_key, subject, payload FROM outbox WHERE payload LIKE ?",
    [`%${id}%`],
  );
  assert.deepEqual(rows, [
    {
      exchange: expiryTopology.waitExchange,
      routing_key: laneOf(lanes, id)?.routingKey,
      subject: `order:${id}`,
      payload: JSON.stringify({ orderId: id }),
    },
  ]);
});

test("a message waits in its lane, falls due, and expires the order; not before its time", async () => {
  const consumer = await startConsumer();
  const { id, expiresAtMs } = await place();
  wait(id);
  await until("the order is expired", () => isExpired(id));
  assert.ok(Date.now() >= expiresAtMs);
  await consumer.close();
});

test("messages that come early, twice, or for an order that is gone do no harm", async () => {
  const consumer = await startConsumer();
  const { id } = await place();
  const paid = await place();
  assert.equal((await buyer.post(`/orders/${paid.id}/pay`)).body.status, "PAID");
  const nobodys = "00000000-0000-7000-8000-000000000000";
  for (const orderId of [id, paid.id, paid.id, nobodys]) {
    channel.publish(expiryTopology.dueExchange, "", message(orderId), { persistent: true });
  }
  await channel.waitForConfirms();
  await until("all are consumed", async () => (await depthOf(expiryTopology.dueQueue)) === 0);
  await consumer.close();
  assert.equal((await buyer.get(`/orders/${paid.id}`)).body.status, "PAID");
  assert.deepEqual(await parkedRows(), []);
});

test("a message that nobody can read is parked, and those behind it go on", async () => {
  const consumer = await startConsumer();
  const { id } = await place();
  for (const poison of ["{", "null", '{"orderId":7}']) {
    channel.publish(expiryTopology.dueExchange, "", Buffer.from(poison), { persistent: true });
  }
  wait(id);
  await until("the order is expired", () => isExpired(id));
  await until("three are parked", async () => (await parkedRows()).length === 3);
  await consumer.close();
  for (const row of await parkedRows()) {
    assert.equal(row.queue, expiryTopology.dueQueue);
    assert.equal(row.reason, "it names no order");
  }
  await sql.query("DELETE FROM parked_messages");
});

test("an order whose books are broken is parked or reported, and holds up no other", async () => {
  const broken = await shop.product(5);
  const placed = await Promise.all(
    [broken, product, broken, product].map((id) => buyer.order([{ productId: id, quantity: 1 }])),
  );
  const [first = "", second = "", third = "", fourth = ""] = placed.map((answer) => answer.body.id);
  // Pieces that the orders hold are gone from the stock: giving them back is impossible.
  await sql.query("UPDATE stock SET available = 5, reserved = 0 WHERE product_id = ?", [broken]);

  const ahead = () => Date.now() + 2_000;
  const consumer = await startConsumer(ahead);
  for (const id of [first, second]) {
    channel.publish(expiryTopology.dueExchange, "", message(id), { persistent: true });
  }
  await until("the sound one is expired", () => isExpired(second));
  await until("the broken one is parked", async () => (await parkedRows()).length === 1);
  await consumer.close();
  const [row] = await parkedRows();
  assert.equal(row?.body.toString(), message(first).toString());
  assert.match(row?.reason, /stock cannot RELEASE/);
  await sql.query("DELETE FROM parked_messages");

  const pool = openDatabase(database.url);
  let nowMs = ahead();
  const expire = createExpireOrders({ book: orderBookIn(pool, lanes), clock: () => nowMs });
  const { failed } = await expire.sweep();
  assert.deepEqual(failed.map(({ orderId }) => orderId).sort(), [first, third].sort());
  for (const { error } of failed) assert.match(String(error), /stock cannot RELEASE/);
  assert.ok(await isExpired(fourth));
  await sql.query("UPDATE stock SET available = 3, reserved = 2 WHERE product_id = ?", [broken]);
  nowMs += expiryLimits.stuckRetryMs;
  assert.equal((await expire.sweep()).expired, 2);
  await pool.close();
});

test("a consumer whose queue is deleted under it makes it anew and goes on", async () => {
  const consumer = await startConsumer();
  await channel.deleteQueue(expiryTopology.dueQueue);
  const { id } = await place();
  await until("somebody consumes again", async () => {
    const probe = await broker.createChannel();
    probe.on("error", () => undefined);
    try {
      return (await probe.checkQueue(expiryTopology.dueQueue)).consumerCount > 0;
    } catch {
      return false;
    }
  });
  wait(id);
  await until("the order is expired", () => isExpired(id));
  await consumer.close();
});

test("without any message the sweeper expires what is due, in batches", async () => {
  const orders = await Promise.all(Array.from({ length: 250 }, () => place()));
  const due = Math.max(...orders.map(({ expiresAtMs }) => expiresAtMs));
  const worker = await shop.startWorker();
  for (const { id } of orders) await until(`order ${id} is expired`, () => isExpired(id));
  assert.ok(Date.now() >= due);
  await worker.close();
  await shop.auditIsClean();
  const stock = await shop.stockOf(product);
  assert.deepEqual(stock, { total: 1_000, available: 999, reserved: 0, sold: 1 });
});

test("with the broker gone the worker starts, expires, and stops", async () => {
  const worker = await shop.startWorker({ RABBITMQ_URL: "amqp://127.0.0.1:1", LOG_LEVEL: "silent" });
  const { id, expiresAtMs } = await place();
  await until("the order is expired", () => isExpired(id));
  const [rows] = await sql.query<RowDataPacket[]>(
    "SELECT actor FROM order_history WHERE order_id = ? AND to_status = 'EXPIRED'",
    [id],
  );
  assert.deepEqual(rows, [{ actor: "expiry:sweeper" }]);
  assert.ok(Date.now() >= expiresAtMs);
  await worker.close();
});

test("two sweepers at once expire each order once", async () => {
  const pool = openDatabase(database.url);
  await Promise.all(Array.from({ length: 120 }, () => place()));
  const clock = () => Date.now() + 2_000;
  const sweepers = [0, 1].map(() => createExpireOrders({ book: orderBookIn(pool, lanes), clock }));
  const expired = await Promise.all(sweepers.map((one) => one.sweep()));
  assert.equal(
    expired.reduce((sum, one) => sum + one.expired, 0),
    120,
  );
  await pool.close();
  await shop.auditIsClean();
});
