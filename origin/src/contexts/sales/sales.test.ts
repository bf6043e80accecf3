/** Sales on real services, without an edge. */
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { after, test } from "node:test";
import type { RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestSales } from "../../../test/start-sales.ts";
import type { Buyer } from "../../../test/start-shop.ts";
import { until } from "../../../test/until.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const place = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const sales = await startTestSales({
  mysqlUrl: database.url,
  redisUrl: place.url,
  redisPrefix: place.prefix,
  rabbitmqUrl: vhost.url,
});
after(async () => {
  await sales.close();
  await vhost.close();
  await place.close();
  await database.close();
  await services.close();
});
const { shop, api, redis, sql, keys, figures, draft, changeOf, change, open, admit, outcome } = sales;
const buyers: Buyer[] = [];
for (let n = 0; n < 4; n++) buyers.push(await shop.join());

test("pieces are set aside with the sale, and what is left returns at its end", async () => {
  const { id, productId } = await open(10);
  assert.deepEqual(await shop.stockOf(productId), { total: 15, available: 5, reserved: 10, sold: 0 });
  await shop.auditIsClean();
  assert.equal((await change(id, { total: 12 })).status, 200);
  assert.deepEqual(await shop.stockOf(productId), { total: 15, available: 3, reserved: 12, sold: 0 });
  const tooMany = await change(id, { total: 16 });
  assert.deepEqual([tooMany.status, tooMany.body.code], [409, "stock.too_low"]);
  assert.equal((await change(id, { status: "ENDED" })).status, 200);
  await until("all pieces are back", async () => (await shop.stockOf(productId)).available === 15);
  await shop.auditIsClean();
});

test("who was admitted gets an order at the sale's price, with a proof that anybody can verify", async () => {
  const { id, productId } = await open(3);
  const [buyer] = buyers as [Buyer];
  const told = await outcome(id, buyer, await admit(id, buyer));
  assert.equal(told.status, "CONFIRMED");
  const order = (await buyer.get(`/orders/${told.orderId}`)).body;
  assert.deepEqual([order.status, order.totalCents], ["PENDING_PAYMENT", 500]);
  assert.deepEqual(order.lines, [{ productId, quantity: 1, unitPriceCents: 500 }]);
  assert.equal(order.expiresAt, told.payUntil);
  assert.equal(Date.parse(order.expiresAt) - Date.parse(order.createdAt), 300_000);
  const { tokenKey } = (await api.call("GET", `/flash-sales/${id}`)).body;
  const [header, claims, signature] = told.purchaseToken.split(".");
  const key = createPublicKey({ key: tokenKey, format: "jwk" });
  assert(verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url")));
  const said = JSON.parse(Buffer.from(claims, "base64url").toString());
  assert.deepEqual(
    [said.sub, said.order, said.exp],
    [String(buyer.id), told.orderId, Math.floor(Date.parse(told.payUntil) / 1_000)],
  );
  await shop.auditIsClean();
});

test("what is not paid goes back on sale, what is paid stays sold", async () => {
  const { id, productId } = await open(2);
  const [one, two, three] = buyers as [Buyer, Buyer, Buyer];
  const first = await outcome(id, one, await admit(id, one));
  const second = await outcome(id, two, await admit(id, two));
  await until("the sale is sold out", async () => (await figures(id)).status === "SOLD_OUT");
  assert.equal((await one.post(`/orders/${first.orderId}/cancel`)).status, 200);
  await until("it is open again", async () => (await figures(id)).status === "OPEN");
  await until("Redis has the piece", async () => {
    const [granted, taken] = await redis.hmget(keys.state(id), "granted", "taken");
    return Number(granted) - Number(taken) === 1;
  });
  await shop.auditIsClean();
  const third = await outcome(id, three, await admit(id, three));
  assert.equal(third.status, "CONFIRMED");
  assert.equal((await two.post(`/orders/${second.orderId}/pay`)).status, 200);
  assert.deepEqual(await shop.stockOf(productId), { total: 7, available: 5, reserved: 1, sold: 1 });
  assert.equal((await change(id, { status: "ENDED" })).status, 200);
  assert.equal((await three.post(`/orders/${third.orderId}/cancel`)).status, 200);
  await until(
    "the piece is the product's again",
    async () => (await shop.stockOf(productId)).available === 6,
  );
  assert.deepEqual(await shop.stockOf(productId), { total: 7, available: 6, reserved: 0, sold: 1 });
  await shop.auditIsClean();
});

test("MySQL keeps limit and stock, whatever Redis admits; and a Redis that is lost is built again", async () => {
  const { id } = await open(3);
  const [one, two] = buyers as [Buyer, Buyer];
  const own = await outcome(id, one, await admit(id, one));
  await sales.lose(id);
  await until("the state is back", async () =>
    (await redis.hget(keys.state(id), "granted")) === "3" ? true : undefined,
  );
  const bucket = keys.bucket(id, one);
  assert.equal(await redis.hget(bucket, `u${one.id}`), "1");
  // A Redis that forgot what buyers have.
  await redis.hdel(bucket, `u${one.id}`);
  assert.deepEqual(await outcome(id, one, await admit(id, one)), { status: "LIMIT" });
  // And one that believes in pieces that are not there.
  await redis.hincrby(keys.state(id), "granted", 100);
  const many = await outcome(id, two, await admit(id, two, { quantity: 3, perUserMax: 5 }));
  assert.equal(many.status, "LIMIT");
  assert.equal((await figures(id)).tickets.CONFIRMED, 1);
  assert.equal(own.status, "CONFIRMED");
  await shop.auditIsClean();
});

test("of more than there is, as many are sold as there are pieces, first come first served", async () => {
  const { id } = await open(2, { perUserMax: 2 });
  const [one, two, three] = buyers as [Buyer, Buyer, Buyer];
  await sales.stopWorker();
  await redis.hset(keys.state(id), "granted", 10);
  const tickets = [];
  for (const [index, buyer] of [one, two, three].entries()) {
    tickets.push({ buyer, ticket: await admit(id, buyer, { quantity: index === 1 ? 2 : 1, perUserMax: 2 }) });
  }
  await sales.startWorker();
  const told = await Promise.all(tickets.map(({ buyer, ticket }) => outcome(id, buyer, ticket)));
  assert.deepEqual(
    told.map(({ status }) => status),
    ["CONFIRMED", "SOLD_OUT", "CONFIRMED"],
  );
  await shop.auditIsClean();
});

test("an entry that nobody can read is parked, and those behind it are served", async () => {
  const { id } = await open(2);
  const [one] = buyers as [Buyer];
  await redis.xadd(keys.queue(id), "*", "u", "nobody", "t", "?");
  assert.equal((await outcome(id, one, await admit(id, one))).status, "CONFIRMED");
  const [rows] = await sql.query<RowDataPacket[]>("SELECT reason FROM parked_messages WHERE queue = ?", [
    `sale:${id}`,
  ]);
  assert.deepEqual(
    rows.map((row) => row.reason),
    ["nobody can read it"],
  );
  await sql.query("DELETE FROM parked_messages");
});

test("a change names the version that it is made of; each version is kept with who made it and why", async () => {
  const { id } = await draft(5);
  const unnamed = await api.operator("PATCH", `/flash-sales/${id}`, { total: 4 });
  assert.deepEqual([unnamed.status, unnamed.body.code], [428, "sale.version_missing"]);
  assert.equal((await changeOf(id, { total: 4, reason: "fewer" }, 1)).status, 200);
  const stale = await changeOf(id, { total: 3 }, 1);
  assert.deepEqual([stale.status, stale.body.code, stale.body.version], [412, "sale.version_stale", 2]);
  const { changes } = (await api.operator("GET", `/flash-sales/${id}/changes`)).body;
  assert.deepEqual(
    changes.map((one: { version: number; reason: string; sale: { total: number } }) => [
      one.version,
      one.reason,
      one.sale.total,
    ]),
    [
      [2, "fewer", 4],
      [1, "", 5],
    ],
  );
});

const refused: [string, object, number, string][] = [
  ["an end before the start", { endsAt: "2020-01-01T00:00:00Z" }, 422, "sale.times_reversed"],
  ["a product that is not there", { productId: 999_999 }, 422, "sale.product_unknown"],
  ["no pieces", { total: 0 }, 400, "validation.failed"],
  ["a share above one", { buyRate: 1.5 }, 400, "validation.failed"],
  ["a country of three letters", { countries: ["DEU"] }, 400, "validation.failed"],
];

for (const [what, more, status, code] of refused) {
  test(`a sale with ${what} is refused by ${status} ${code}`, async () => {
    const productId = await shop.product(1);
    const terms = {
      productId,
      priceCents: 1,
      total: 1,
      startsAt: "2026-01-01T00:00:00Z",
      endsAt: "2099-01-01T00:00:00Z",
      ...more,
    };
    const answer = await api.operator("POST", "/flash-sales", terms);
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
  });
}

test("states that do not follow each other are refused, and drafts are nobody's business", async () => {
  const { id } = await draft(2);
  assert.equal((await api.call("GET", `/flash-sales/${id}`)).status, 404);
  const paused = await change(id, { status: "PAUSED" });
  assert.deepEqual([paused.status, paused.body.code], [409, "sale.status_refused"]);
  assert.equal((await change(id, { status: "SCHEDULED" })).status, 200);
  const dearer = await change(id, { priceCents: 900 });
  assert.deepEqual([dearer.status, dearer.body.code], [409, "sale.terms_fixed"]);
});

test("tickets that were not handed out are nobody's, and only the edge lets buyers in", async () => {
  const { id } = await open(1);
  const [one] = buyers as [Buyer];
  const unknown = await one.get(`/flash-sales/${id}/purchases/abc.1-1.AAAAAAAAAAAAAAAAAAAAAA`);
  assert.deepEqual([unknown.status, unknown.body.code], [404, "sale.ticket_unknown"]);
  const direct = await one.post(`/flash-sales/${id}/purchases`, { challenge: "x" });
  assert.deepEqual([direct.status, direct.body.code], [503, "sale.edge_only"]);
});
