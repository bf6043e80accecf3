import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { createConnection } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startApiProcess } from "../../../test/start-process.ts";
import { startTestShop } from "../../../test/start-shop.ts";
import { signWith } from "../identity/infrastructure/access-tokens.ts";
import { keysOf, loadTokenKeys } from "../identity/infrastructure/token-keys.ts";

/** Crowds at two api processes at once: what holds here holds by the database, not by one process's order. */
const UNPAID_MAX = 100;
const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const shop = await startTestShop(
  { mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix, rabbitmqUrl: vhost.url },
  {},
  { ORDER_UNPAID_MAX: String(UNPAID_MAX), LOG_LEVEL: "error" },
);
const { environment } = shop.api;
const second = await startApiProcess(environment);
const loaded = await loadTokenKeys({
  privateKeysFile: environment.TOKEN_PRIVATE_KEY_FILE ?? "",
  publicKeysFile: environment.TOKEN_PUBLIC_KEYS_FILE ?? "",
});
const sql = await createConnection(database.url);
const keys = keysOf(() => loaded, Date.now);
const tokens = signWith(keys, { issuer: "sluice", audience: "sluice", ttlSeconds: 600 });

after(async () => {
  await sql.end();
  await second.close();
  await shop.close();
  await prefix.close();
  await vhost.close();
  await database.close();
  await services.close();
});

const apis = [shop.api.url, second.url];
const tokenOf = (userId: number) => tokens.sign(userId, randomUUID(), Date.now());

interface Wish {
  token: string;
  key?: string | undefined;
  productId: number;
}

/** As clients are told to: a 503, or a connection that was not made, is tried again with the same key, at the other one. */
async function order({ token, key = randomUUID(), productId }: Wish, at: number) {
  const body = JSON.stringify({ lines: [{ productId, quantity: 1 }] });
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "idempotency-key": key,
  };
  for (let attempt = 0; attempt < 50; attempt++) {
    const url = `${apis[(at + attempt) % apis.length]}/orders`;
    const response = await fetch(url, { method: "POST", headers, body }).catch(notConnected);
    const text = (await response?.text()) ?? "";
    if (response !== undefined && response.status !== 503) {
      return { status: response.status, text, body: JSON.parse(text) };
    }
  }
  throw new Error("there was no answer");
}

function notConnected(error: unknown): undefined {
  const cause = (error as { cause?: { code?: string } }).cause;
  assert.equal(cause?.code, "UND_ERR_CONNECT_TIMEOUT", String(error));
}

const countOf = (answers: { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

test("1,000 buyers at once for 100 pieces, at two processes: 100 get one", async () => {
  const productId = await shop.product(100);
  const buyers = await Promise.all(Array.from({ length: 1_000 }, (_, index) => tokenOf(10_000 + index)));
  const answers = await Promise.all(buyers.map((token, index) => order({ token, productId }, index)));
  assert.equal(countOf(answers, 201), 100);
  assert.equal(answers.filter(({ body }) => body.code === "order.sold_out").length, 900);
  assert.deepEqual(await shop.stockOf(productId), { total: 100, available: 0, reserved: 100, sold: 0 });
  await shop.auditIsClean();
});

test("400 wishes of one buyer at once, at two processes: as many as one may have unpaid, exactly", async () => {
  const productId = await shop.product(1_000);
  const token = await tokenOf(20_000);
  const headers = { authorization: `Bearer ${token}` };
  const crowd = (size: number) =>
    Promise.all(Array.from({ length: size }, (_, index) => order({ token, productId }, index)));

  const answers = await crowd(400);
  assert.equal(countOf(answers, 201), UNPAID_MAX);
  assert.equal(answers.filter(({ body }) => body.code === "order.too_many_unpaid").length, 400 - UNPAID_MAX);
  assert.equal((await shop.stockOf(productId)).reserved, UNPAID_MAX);

  // Each way of no longer being unpaid makes room for one, and asking for it again makes no more.
  const [cancelled, paid, declined] = answers
    .filter(({ status }) => status === 201)
    .map(({ body }) => body.id);
  const step = (path: string, body?: object) => shop.api.call("POST", `/orders/${path}`, body, headers);
  await Promise.all(Array.from({ length: 5 }, () => step(`${cancelled}/cancel`)));
  await Promise.all(Array.from({ length: 5 }, () => step(`${paid}/pay`)));
  assert.equal((await step(`${declined}/pay`, { method: "sandbox:declined" })).status, 402);
  assert.equal(countOf(await crowd(20), 201), 2, "a declined payment leaves its order unpaid");
  await shop.auditIsClean();
});

test("a buyer whose steps all wait for each other leaves the database to everybody else", async () => {
  const productId = await shop.product(1_000);
  const [token, other] = [await tokenOf(40_000), await tokenOf(40_001)];
  const headers = { authorization: `Bearer ${token}` };
  const placed = await Promise.all(
    Array.from({ length: UNPAID_MAX }, (_, index) => order({ token, productId }, index)),
  );
  await sql.beginTransaction();
  await sql.query("SELECT user_id FROM buyers WHERE user_id = 40000 FOR UPDATE");
  const cancelling = placed.map(({ body }) =>
    shop.api.call("POST", `/orders/${body.id}/cancel`, undefined, headers),
  );
  // With all of them held, the same process serves others as if nothing were.
  const key = randomUUID();
  const answer = await shop.api.call(
    "POST",
    "/orders",
    { lines: [{ productId, quantity: 1 }] },
    { authorization: `Bearer ${other}`, "idempotency-key": key },
  );
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  await sql.rollback();
  const cancelled = await Promise.all(cancelling);
  assert.equal(countOf(cancelled, 200), UNPAID_MAX);
  assert.equal((await shop.stockOf(productId)).reserved, 1);
});

test("one key sent 100 times at once, at two processes: one order, one answer", async () => {
  const productId = await shop.product(1_000);
  const token = await tokenOf(30_000);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => order({ token, productId, key: "the-key" }, index)),
  );
  const placed = answers.filter(({ status }) => status === 201);
  assert.equal(new Set(placed.map(({ text }) => text)).size, 1, "each 201 has the same bytes");
  const others = answers.filter(({ status }) => status !== 201);
  for (const { body } of others) assert.equal(body.code, "idempotency.in_flight");
  assert.equal((await shop.stockOf(productId)).reserved, 1);
});
