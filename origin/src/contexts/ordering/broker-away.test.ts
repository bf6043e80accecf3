import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestShop } from "../../../test/start-shop.ts";
import { openProxy } from "../../../test/tcp-proxy.ts";
import { until } from "../../../test/until.ts";
import { audit, composeRelay } from "../../compose.ts";
import { readConfig } from "../../config.ts";

/**
 * The broker is away for several lives of an order, as an hour would be with lives of half an hour. Orders go on being
 * placed, and expire by the sweeper alone.
 */
const TTL_SECONDS = 1;
const LIVES_AWAY = 3;
/** A second is the promise when all is well; here every part of the system and the tests share the machine. */
const LATE_MS_MAX = 5_000;

const services = await startTestServices();
const testDatabase = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const proxy = await openProxy(vhost.url);
const throughProxy = new URL(vhost.url);
throughProxy.port = String(proxy.port);
const places = {
  mysqlUrl: testDatabase.url,
  redisUrl: prefix.url,
  redisPrefix: prefix.prefix,
  rabbitmqUrl: throughProxy.href,
};
const shop = await startTestShop(
  places,
  {},
  { ORDER_TTL_SECONDS: String(TTL_SECONDS), ORDER_UNPAID_MAX: "10000", LOG_LEVEL: "error" },
);
const environment = {
  MYSQL_URL: places.mysqlUrl,
  REDIS_URL: places.redisUrl,
  REDIS_PREFIX: places.redisPrefix,
  RABBITMQ_URL: places.rabbitmqUrl,
  LOG_LEVEL: "error",
};
const relay = await composeRelay(readConfig("relay", environment));
const worker = await shop.startWorker();
const sql = await createConnection(testDatabase.url);

after(async () => {
  await sql.end();
  await worker.close();
  await relay.close();
  await shop.close();
  await proxy[Symbol.asyncDispose]();
  await prefix.close();
  await vhost.close();
  await testDatabase.close();
  await services.close();
});

async function count(query: string): Promise<number> {
  const [rows] = await sql.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${query}`);
  return Number(rows[0]?.n);
}

test("a broker that is away costs lateness within the invariant, and nothing else", async () => {
  const buyer = await shop.join();
  const product = await shop.product(1_000);
  const placed: string[] = [];
  const place = async () => {
    const answer = await buyer.order([{ productId: product, quantity: 1 }]);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    placed.push(answer.body.id);
    return Date.parse(answer.body.expiresAt);
  };
  const expiredBy = (actor: string) =>
    count(`order_history WHERE to_status = 'EXPIRED' AND actor = '${actor}'`);

  await until("messages expire orders, as long as the broker is there", async () => {
    await place();
    return (await expiredBy("expiry:message")) > 0;
  });
  await until(
    "all so far are published",
    async () => (await count("outbox WHERE published_at IS NULL")) === 0,
  );

  proxy.pointTo("amqp://127.0.0.1:1");
  const firstAway = placed.length;
  const awayUntil = (await place()) + LIVES_AWAY * TTL_SECONDS * 1_000;
  await until("the broker was away for several lives", async () => {
    await place();
    return Date.now() > awayUntil;
  });
  const unpublished = await count("outbox WHERE published_at IS NULL");
  assert.equal(unpublished, placed.length - firstAway, "every message waits, none is lost");
  await until(
    "the sweeper expires them all the same",
    async () => (await count("orders WHERE status = 'EXPIRED'")) === placed.length,
  );

  proxy.pointTo(vhost.url);
  await until(
    "what waited is published",
    async () => (await count("outbox WHERE published_at IS NULL")) === 0,
  );
  await until(
    "every message arrives, late as it is",
    async () => (await count("expiry_receipts")) === placed.length,
  );
  const before = await expiredBy("expiry:message");
  await until("messages expire orders again", async () => {
    await place();
    return (await expiredBy("expiry:message")) > before;
  });
  await until(
    "all are expired",
    async () => (await count("orders WHERE status = 'EXPIRED'")) === placed.length,
  );

  const [late] = await sql.query<RowDataPacket[]>(
    `SELECT MIN(TIMESTAMPDIFF(MICROSECOND, o.expires_at, h.created_at)) / 1000 AS least,
            MAX(TIMESTAMPDIFF(MICROSECOND, o.expires_at, h.created_at)) / 1000 AS most
     FROM orders o JOIN order_history h ON h.order_id = o.id AND h.to_status = 'EXPIRED'`,
  );
  const [least, most] = [Number(late[0]?.least), Number(late[0]?.most)];
  assert.ok(least >= 0 && most <= LATE_MS_MAX, `between ${least} and ${most} ms late`);
  const results = await audit(environment);
  assert.deepEqual(
    results.filter(({ broken }) => broken.length > 0),
    [],
  );
});
