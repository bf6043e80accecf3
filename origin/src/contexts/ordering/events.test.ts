import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { type EventStream, listen } from "../../../test/event-stream.ts";
import { startApiProcess } from "../../../test/start-process.ts";
import { type Buyer, startTestShop } from "../../../test/start-shop.ts";
import { until } from "../../../test/until.ts";
import { composeRelay } from "../../compose.ts";
import { readConfig } from "../../config.ts";
import { newUuid } from "../../kernel/ids.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { eventLimits } from "./application/limits.ts";
import type { OrderTransaction } from "./application/ports.ts";
import { expiryLanes } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const places = {
  mysqlUrl: testDatabase.url,
  redisUrl: prefix.url,
  redisPrefix: prefix.prefix,
  rabbitmqUrl: vhost.url,
};
const shop = await startTestShop(places);
const relay = await composeRelay(
  readConfig("relay", {
    MYSQL_URL: places.mysqlUrl,
    REDIS_URL: places.redisUrl,
    REDIS_PREFIX: places.redisPrefix,
    RABBITMQ_URL: places.rabbitmqUrl,
    LOG_LEVEL: "warn",
  }),
);
let relayStops: Promise<void> | undefined;
const stopRelay = () => {
  relayStops ??= relay.close();
  return relayStops;
};
const database = openDatabase(testDatabase.url);
const product = await shop.product(10_000);

after(async () => {
  await database.close();
  await stopRelay();
  await shop.close();
  await prefix.close();
  await vhost.close();
  await testDatabase.close();
  await services.close();
});

/** What is too much for the moment is asked for again. */
async function place(buyer: Buyer): Promise<string> {
  const key = newUuid();
  const placed = await until("an order is placed", async () => {
    const answer = await buyer.order([{ productId: product, quantity: 1 }], key);
    return answer.status !== 503 && answer;
  });
  assert.equal(placed.status, 201, JSON.stringify(placed.body));
  return placed.body.id;
}

/** Also while the server has not noticed yet that earlier streams of the same buyer are closed. */
function unlessTooMuch(error: Error): undefined {
  if (!/^(503|429 order.listening_too_often)/.test(error.message)) throw error;
}

/** So many events, in the words of `status`. */
async function statuses(stream: EventStream, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) found.push((await stream.next())?.data.status);
  return found;
}

/** What the history has of a buyer, as they should hear it. */
async function historyOf(buyer: Buyer) {
  const rows = await database.query<{ event_number: number; order_id: string; to_status: string }>(
    `SELECT event_number, order_id, to_status FROM order_history
     WHERE user_id = ? AND to_status <> 'CREATED' ORDER BY event_number`,
    [buyer.id],
  );
  return rows.map((row) => ({ id: row.event_number, orderId: row.order_id, status: row.to_status }));
}

test("a buyer hears each step of their orders once, and nothing of others", async () => {
  const [buyer, other] = [await shop.join(), await shop.join()];
  const stream = await listen(shop.api.url, buyer.token);
  await place(other);
  const orderId = await place(buyer);
  await buyer.post(`/orders/${orderId}/pay`);
  const first = await stream.next();
  assert.deepEqual(
    { ...first?.data, at: undefined },
    { orderId, from: "CREATED", status: "PENDING_PAYMENT", reason: "placed", at: undefined },
  );
  assert.ok(Math.abs(Date.parse(first?.data.at) - Date.now()) < 60_000);
  assert.deepEqual(await statuses(stream, 1), ["PAID"]);
  await stream.close();
});

test("whoever was away hears what they missed, from the id of the last event on", async () => {
  const buyer = await shop.join();
  const before = await listen(shop.api.url, buyer.token);
  const orderId = await place(buyer);
  assert.deepEqual(await statuses(before, 1), ["PENDING_PAYMENT"]);
  await before.close();
  await buyer.post(`/orders/${orderId}/cancel`);
  await place(buyer);
  const again = await listen(shop.api.url, buyer.token, before.lastId());
  assert.deepEqual(await statuses(again, 2), ["CANCELLED", "PENDING_PAYMENT"]);
  const fromTheStart = await listen(shop.api.url, buyer.token, 0);
  assert.deepEqual(await statuses(fromTheStart, 3), ["PENDING_PAYMENT", "CANCELLED", "PENDING_PAYMENT"]);
  await Promise.all([again.close(), fromTheStart.close()]);
});

test("ids that were never given out are refused, and so is one stream too many", async () => {
  const buyer = await shop.join();
  for (const id of ["99", "x", "-1", "1e3"]) {
    await assert.rejects(listen(shop.api.url, buyer.token, id), /422 order.event_unknown/, id);
  }
  const open = () => listen(shop.api.url, buyer.token);
  const streams = await Promise.all(Array.from({ length: eventLimits.listenersPerUserMax }, open));
  await assert.rejects(open(), /429 order.listening_too_often/);
  await streams[0]?.close();
  const later = await until("there is room for another", () => open().catch(() => undefined));
  await Promise.all([...streams, later].map((stream) => stream.close()));
});

test("the transaction that comes first is heard first, however long it takes to commit", async () => {
  const buyer = await shop.join();
  const book = orderBookIn(database, expiryLanes(60, 2));
  const [slow, fast] = [await place(buyer), await place(buyer)];
  const stream = await listen(shop.api.url, buyer.token);
  const step = (tx: OrderTransaction, orderId: string) =>
    tx.appendHistory([
      {
        orderId,
        userId: buyer.id,
        from: "PENDING_PAYMENT",
        to: "FAILED_PAYMENT",
        change: { actor: "test", reason: "test", nowMs: Date.now() },
      },
    ]);
  const written = Promise.withResolvers<void>();
  const mayCommit = Promise.withResolvers<void>();
  const first = book.transaction(async (tx) => {
    await step(tx, slow);
    written.resolve();
    await mayCommit.promise;
  });
  await written.promise;
  const second = book.transaction((tx) => step(tx, fast));
  const away = await listen(shop.api.url, buyer.token, stream.lastId());
  mayCommit.resolve();
  await Promise.all([first, second]);
  for (const one of [stream, away]) {
    const heard = [await one.next(), await one.next()].map((event) => event?.data.orderId);
    assert.deepEqual(heard, [slow, fast]);
    await one.close();
  }
});

test("whoever connects again and again while much happens hears all of it once, in order", async () => {
  const buyer = await shop.join();
  const ORDERS = 25;
  const other = await startApiProcess(shop.api.environment);
  const urls = [shop.api.url, other.url];
  const living = Promise.all(
    Array.from({ length: ORDERS }, async () => {
      const id = await place(buyer);
      await until("it is cancelled", async () => (await buyer.post(`/orders/${id}/cancel`)).status !== 503);
    }),
  );
  const heard: { id: number; orderId: string; status: string }[] = [];
  for (let connection = 0; heard.length < 2 * ORDERS; connection++) {
    // One of the processes is killed while it tells: what it had sent and nobody read is told again.
    if (connection === 4) other.kill("SIGKILL");
    const url = urls[connection < 4 ? connection % 2 : 0] ?? "";
    const stream = await until("it listens again", () =>
      listen(url, buyer.token, heard.at(-1)?.id ?? 0).catch(unlessTooMuch),
    );
    for (let some = 0; some < 7 && heard.length < 2 * ORDERS; some++) {
      const event = await stream.next();
      if (event === undefined) break;
      heard.push({ id: event.id, orderId: event.data.orderId, status: event.data.status });
    }
    await stream.close();
  }
  await living;
  await other.close();
  assert.deepEqual(heard, await historyOf(buyer));
});

test("with the relay away events come all the same, a little later", async () => {
  const buyer = await shop.join();
  const stream = await listen(shop.api.url, buyer.token);
  const book = orderBookIn(database, expiryLanes(60, 2));
  const orderId = await place(buyer);
  assert.deepEqual(await statuses(stream, 1), ["PENDING_PAYMENT"]);
  await stopRelay();
  await book.transaction((tx) =>
    tx.appendHistory([
      {
        orderId,
        userId: buyer.id,
        from: "PENDING_PAYMENT",
        to: "FAILED_PAYMENT",
        change: { actor: "test", reason: newUuid(), nowMs: Date.now() },
      },
    ]),
  );
  assert.deepEqual(await statuses(stream, 1), ["FAILED_PAYMENT"]);
  await stream.close();
});

test("whoever logs out hears nothing more, and the stream ends", async () => {
  const buyer = await shop.join();
  const stream = await listen(shop.api.url, buyer.token);
  await buyer.logOut();
  await place(buyer);
  assert.equal(await stream.next(), undefined);
});

test("an api that stops ends its streams, and stops", async () => {
  const buyer = await shop.join();
  const stopping = await startApiProcess(shop.api.environment);
  const stream = await listen(stopping.url, buyer.token);
  const ended = stream.next();
  await stopping.close();
  assert.equal(await ended, undefined);
});
