import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { productKey } from "@sluice/contract/keys.ts";
import { composeProductPage } from "@sluice/contract/product-page.ts";
import { Redis } from "ioredis";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { until } from "../../../test/until.ts";
import { composeRelay, seed } from "../../compose.ts";
import { readConfig } from "../../config.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const places = {
  mysqlUrl: database.url,
  redisUrl: prefix.url,
  redisPrefix: prefix.prefix,
  rabbitmqUrl: vhost.url,
};
const api = await startTestApi(places);
const relay = await composeRelay(
  readConfig("relay", {
    MYSQL_URL: places.mysqlUrl,
    REDIS_URL: places.redisUrl,
    REDIS_PREFIX: places.redisPrefix,
    RABBITMQ_URL: places.rabbitmqUrl,
    LOG_LEVEL: "warn",
  }),
);
const redis = new Redis(prefix.url);
const sql = await createConnection(database.url);

after(async () => {
  redis.disconnect();
  await sql.end();
  await relay.close();
  await api.close();
  await prefix.close();
  await vhost.close();
  await database.close();
  await services.close();
});

const lamp = { name: "Lamp", description: "Shines — “warmly”.", priceCents: 900, currency: "EUR", stock: 5 };

async function create(product: object = lamp): Promise<number> {
  const created = await api.operator("POST", "/products", product);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return created.body.id;
}

const textOf = async (path: string) => (await fetch(api.url + path)).text();

test("a new product is on sale with its pieces, and its description is empty unless given", async () => {
  const created = await api.operator("POST", "/products", { ...lamp, description: undefined });
  const stock = { total: 5, available: 5, reserved: 0, sold: 0 };
  const { id } = created.body;
  assert.deepEqual(created.body, {
    id,
    name: "Lamp",
    description: "",
    priceCents: 900,
    currency: "EUR",
    stock,
  });
  assert.deepEqual((await api.call("GET", `/products/${id}`)).body, created.body);
});

test("the page is, to the byte, what the edge composes of the two parts in Redis", async () => {
  const id = await create();
  const key = productKey(prefix.prefix, String(id));
  const parts = await until("both parts are in Redis", async () => {
    const [product, stock] = await redis.hmget(key, "product.d", "stock.d");
    const total = typeof stock === "string" ? JSON.parse(stock).total : 0;
    return typeof product === "string" && typeof stock === "string" && total === 5
      ? { product, stock }
      : undefined;
  });
  assert.equal(await textOf(`/products/${id}`), composeProductPage(parts.product, parts.stock));
});

test("a retired product is gone from page, list and Redis, and comes back", async () => {
  const id = await create();
  const key = productKey(prefix.prefix, String(id));
  await api.operator("PATCH", `/products/${id}`, { status: "retired" });
  const gone = await api.call("GET", `/products/${id}`);
  assert.deepEqual([gone.status, gone.body.code], [404, "product.not_found"]);
  assert.ok(!(await listed()).includes(id));
  await until("Redis holds a tombstone", async () => {
    const [version, document] = await redis.hmget(key, "product.v", "product.d");
    return Number(version) >= 3 && document === null;
  });
  assert.equal((await api.operator("PATCH", `/products/${id}`, { status: "active" })).status, 200);
  assert.ok((await listed()).includes(id));
});

test("the list is complete, in the order of ids, page by page, without stock", async () => {
  for (let i = 0; i < 5; i++) await create();
  const ids = await listed();
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => a - b),
  );
  const [rows] = await sql.query<RowDataPacket[]>(
    "SELECT id FROM products WHERE status = 'active' ORDER BY id",
  );
  assert.deepEqual(
    ids,
    rows.map((row) => row.id),
  );
  const first = await api.call("GET", "/products?limit=1");
  assert.deepEqual(Object.keys(first.body.items[0]), ["id", "name", "description", "priceCents", "currency"]);
});

test("a change shows at once and leaves alone what it does not name", async () => {
  const id = await create();
  const changed = await api.operator("PATCH", `/products/${id}`, { priceCents: 1_000 });
  assert.equal(changed.status, 200);
  assert.deepEqual(
    [changed.body.name, changed.body.description, changed.body.priceCents],
    [lamp.name, lamp.description, 1_000],
  );
  assert.deepEqual((await api.call("GET", `/products/${id}`)).body, changed.body);
});

const faults: [string, "GET" | "POST" | "PATCH", string, unknown, number, string][] = [
  ["a price below zero", "POST", "/products", { ...lamp, priceCents: -1 }, 400, "validation.failed"],
  ["a price with a fraction", "POST", "/products", { ...lamp, priceCents: 9.5 }, 400, "validation.failed"],
  [
    "a currency in small letters",
    "POST",
    "/products",
    { ...lamp, currency: "eur" },
    400,
    "validation.failed",
  ],
  [
    "a name of 201 characters",
    "POST",
    "/products",
    { ...lamp, name: "x".repeat(201) },
    400,
    "validation.failed",
  ],
  ["stock below zero", "POST", "/products", { ...lamp, stock: -1 }, 400, "validation.failed"],
  ["a change of nothing", "PATCH", "/products/1", {}, 400, "validation.failed"],
  ["a change of the currency", "PATCH", "/products/1", { currency: "USD" }, 400, "validation.failed"],
  ["a change of what is not there", "PATCH", "/products/999999", { name: "x" }, 404, "product.not_found"],
];

for (const [what, method, path, body, status, code] of faults) {
  test(`${what} is refused by ${status} ${code}`, async () => {
    const refused = await api.operator(method, path, body);
    assert.deepEqual([refused.status, refused.body.code], [status, code]);
  });
}

test("pages that are not there, and cursors of somebody else's making, are refused", async () => {
  const answers = await Promise.all(
    [
      "/products/999999",
      "/products?cursor=abc",
      "/products?limit=0",
      "/products?limit=101",
      "/products/abc",
      "/products/01",
      "/products/0x1",
      "/products/true",
      "/products?limit=1e0",
      "/products?colour=red",
    ].map((path) => api.call("GET", path)),
  );
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.code]),
    [
      [404, "product.not_found"],
      [422, "product.cursor_invalid"],
      ...Array(8).fill([400, "validation.failed"]),
    ],
  );
});

test("seeding twice gives one demo shop, and users who can log in", async () => {
  const fresh = await createTestDatabase(services);
  const passwordFile = join(tmpdir(), `${fresh.name}-password`);
  await writeFile(passwordFile, "a demo password\n");
  const freshApi = await startTestApi({ ...places, mysqlUrl: fresh.url });
  const env = { MYSQL_URL: fresh.url, DEMO_PASSWORD_FILE: passwordFile };
  const first = await seed(env);
  assert.deepEqual(first, { users: 2, products: 24 });
  const page = (await freshApi.call("GET", "/products?limit=100")).body;
  assert.deepEqual(await seed(env), { users: 0, products: 0 });
  assert.deepEqual((await freshApi.call("GET", "/products?limit=100")).body, page);
  const login = await freshApi.call("POST", "/auth/login", {
    username: "alice",
    password: "a demo password",
  });
  assert.equal(login.status, 200);
  await freshApi.close();
  await fresh.close();
});

async function listed(): Promise<number[]> {
  const ids: number[] = [];
  let query = "?limit=3";
  for (;;) {
    const page = await api.call("GET", `/products${query}`);
    assert.equal(page.status, 200);
    ids.push(...page.body.items.map((product: { id: number }) => product.id));
    if (page.body.nextCursor === null) return ids;
    query = `?limit=3&cursor=${encodeURIComponent(page.body.nextCursor)}`;
  }
}
