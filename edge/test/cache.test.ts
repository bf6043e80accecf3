import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { CHANGE_ID, CHANGE_VERSION } from "@sluice/contract/change.ts";
import { FIELD_DOCUMENT, FIELD_VERSION, PART_STOCK, productKey } from "@sluice/contract/keys.ts";
import { composeProductPage } from "@sluice/contract/product-page.ts";
import { type EdgeUnderTest, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const CACHE = "x-sluice-cache";

describe("cached product reads", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
    await edge.untilFollowing();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  beforeEach(() => {
    origin.seen.length = 0;
    origin.answer((seen, response) => answerJson(response, 200, { url: seen.url }));
  });

  const get = (path: string) => ask(edge.port, path);
  const outcome = async (path: string) => (await get(path)).headers[CACHE];

  test("from Redis, then from memory; the same bytes, and the origin is not asked", async () => {
    const product = { id: 1, name: "Tee – grün", priceCents: 250 };
    const stock = { total: 9, available: 9 };
    await redis.product(1, 1, product);
    await redis.stock(1, 1, stock);
    const expected = composeProductPage(JSON.stringify(product), JSON.stringify(stock));
    // The worker may read these two changes only after it has filled the page, and then fills it once more.
    const outcomes: (string | undefined)[] = [];
    await until("the page is in the worker's memory", async () => {
      const answer = await get("/products/1");
      assert.equal(answer.status, 200);
      assert.equal(answer.body, expected);
      assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
      outcomes.push(answer.headers[CACHE]);
      return answer.headers[CACHE] === "hit-worker";
    });
    assert.ok(
      outcomes.length > 1 && outcomes.slice(0, -1).every((one) => one === "hit-redis"),
      String(outcomes),
    );
    const head = await ask(edge.port, "/products/1", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body, "");
    assert.equal(head.headers["content-length"], String(Buffer.byteLength(expected)));
    assert.match(String(head.headers[CACHE]), /^hit-/);
    assert.equal(origin.seen.length, 0);
  });

  test("a change of either part is seen at once", async () => {
    await redis.product(2, 1, { id: 2, name: "Cup" });
    await redis.stock(2, 1, { available: 5 });
    assert.match((await get("/products/2")).body, /"available":5/);
    await redis.stock(2, 2, { available: 4 });
    await until("the stock is new", async () => (await get("/products/2")).body.includes('"available":4'));
    await redis.product(2, 2, { id: 2, name: "Bowl" });
    await until("the name is new", async () => (await get("/products/2")).body.includes("Bowl"));
  });

  test("a change of several at once is seen of each", async () => {
    const pages = [21, 22, 23];
    const stock = (id: number) => productKey(PREFIX, String(id));
    for (const id of pages) {
      await redis.product(id, 1, { id, name: "Cup" });
      await redis.stock(id, 1, { available: 5 });
      await until("the page is held", async () => (await outcome(`/products/${id}`)) === "hit-worker");
    }
    for (const id of pages) {
      await redis.client.hset(
        stock(id),
        `${PART_STOCK}${FIELD_VERSION}`,
        "2",
        `${PART_STOCK}${FIELD_DOCUMENT}`,
        '{"available":4}',
      );
    }
    const more = pages.slice(1).flatMap((id) => [CHANGE_ID, String(id), CHANGE_VERSION, "2"]);
    await redis.change("stock", String(pages[0]), 2, more);
    for (const id of pages) {
      await until(`page ${id} is new`, async () =>
        (await get(`/products/${id}`)).body.includes('"available":4'),
      );
    }
  });

  test("what Redis has not comes from the origin, and nothing of the client goes there", async () => {
    const asked = await ask(edge.port, "/products/3?x=1", {
      headers: [
        "cookie",
        "a=b",
        "authorization",
        "Bearer secret",
        "if-none-match",
        "*",
        "x-sluice-country",
        "KP",
      ],
    });
    assert.equal(asked.headers[CACHE], "miss");
    assert.equal(await outcome("/products/3"), "hit-worker");
    assert.equal(origin.seen.length, 1);
    const { url, method, headers } = origin.seen[0] as (typeof origin.seen)[0];
    assert.equal(url, "/products/3");
    assert.equal(method, "GET");
    for (const name of ["cookie", "authorization", "if-none-match", "x-sluice-country"]) {
      assert.equal(headers[name], undefined, name);
    }
    assert.equal(headers["x-request-id"], asked.headers["x-request-id"]);
  });

  test("a 404 is remembered until the product appears, with each request's own id", async () => {
    origin.answer((seen, response) =>
      answerJson(response, 404, {
        code: "product.not_found",
        status: 404,
        requestId: seen.headers["x-request-id"],
      }),
    );
    for (const cache of ["miss", "hit-worker", "hit-worker"]) {
      const answer = await get("/products/4");
      assert.equal(answer.status, 404);
      assert.equal(answer.headers[CACHE], cache);
      assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
      assert.equal(answer.json().requestId, answer.headers["x-request-id"]);
    }
    assert.equal(origin.seen.length, 1);
    await redis.product(4, 1, { id: 4, name: "New" });
    await redis.stock(4, 1, { available: 1 });
    await until("it is there", async () => (await get("/products/4")).status === 200);
  });

  test("what is not an id in plain decimal is nobody's page, and the origin is not asked", async () => {
    for (const id of ["0", "01", "+1", "0x1", "1e0", "abc", "1.5", "-1", "12345678901234567890"]) {
      const answer = await get(`/products/${id}`);
      assert.equal(answer.status, 404, id);
      assert.equal(answer.json().code, "route.not_found", id);
      assert.equal(answer.headers[CACHE], undefined, id);
    }
    assert.equal(origin.seen.length, 0);
  });

  test("an error of the origin is passed on and not kept", async () => {
    origin.answer((_seen, response) => answerJson(response, 500, { code: "internal", status: 500 }));
    assert.equal((await get("/products/5")).status, 500);
    origin.answer((_seen, response) => answerJson(response, 200, { id: 5 }));
    assert.equal((await get("/products/5")).status, 200);
  });

  test("many at once ask the origin once", async () => {
    const waiting: ServerResponse[] = [];
    origin.answer((_seen, response) => waiting.push(response));
    const answers = Promise.all(Array.from({ length: 50 }, () => get("/products/6")));
    await until("the origin was asked", () => waiting.length === 1);
    answerJson(waiting[0] as ServerResponse, 200, { id: 6 });
    for (const answer of await answers) assert.equal(answer.body, '{"id":6}');
    assert.equal(origin.seen.length, 1);
  });

  test("a fill that a change overtook is not kept, and who comes after the change does not get it", async () => {
    const waiting: ServerResponse[] = [];
    origin.answer((_seen, response) => waiting.push(response));
    const early = get("/products/8");
    await until("the fill is under way", () => waiting.length === 1);
    await redis.change("product", "8", 2);
    // The stream is in order: once the change after it shows, the worker has seen it too.
    await redis.product(9, 1, { id: 9, name: "After" });
    await redis.stock(9, 1, { available: 1 });
    await until("the worker has read on", async () => (await get("/products/9")).status === 200);
    const late = get("/products/8");
    await until("the late one asks for itself", () => waiting.length === 2);
    answerJson(waiting[1] as ServerResponse, 200, { id: 8, version: "new" });
    assert.match((await late).body, /new/);
    answerJson(waiting[0] as ServerResponse, 200, { id: 8, version: "old" });
    assert.match((await early).body, /old/);
    const now = await get("/products/8");
    assert.match(now.body, /new/);
    assert.equal(now.headers[CACHE], "hit-worker");
  });

  test("list pages: by query, in a generation that ends with any change of a product", async () => {
    const path = "/products?limit=2&cursor=abc";
    assert.equal(await outcome(path), "miss");
    assert.equal(await outcome(path), "hit-worker");
    assert.equal(await outcome("/products?limit=3"), "miss");
    assert.equal(origin.seen[0]?.url, path);
    await redis.stock(1, 2, { available: 8 });
    await redis.product(1, 2, { id: 1, name: "Tee" });
    await until("the generation has ended", async () => (await outcome(path)) === "miss");
    assert.equal(await outcome(path), "hit-worker");
  });

  test("list pages: one page has one name, and what is not a page is not kept", async () => {
    assert.equal(await outcome("/products?cursor=xyz&limit=4"), "miss");
    assert.equal(origin.seen[0]?.url, "/products?limit=4&cursor=xyz");
    assert.equal(await outcome("/products?limit=4&cursor=xyz"), "hit-worker");
    assert.equal(await outcome("/products?cursor=xyz&limit=4"), "hit-worker");
    assert.equal(await outcome("/products?"), "miss");
    assert.equal(await outcome("/products"), "hit-worker");
    const before = (await redis.client.keys("edge-test:page:*")).toSorted();
    origin.seen.length = 0;
    const odd = [
      "z=1",
      "limit=4&z=1",
      "limit=04",
      "limit=0",
      "limit=101",
      "limit=+4",
      "limit=%34",
      "limit=",
      "limit=4&limit=4",
      "limit=4&",
      "&limit=4",
      "cursor=",
      "cursor=a%62",
      "cursor=a.b",
      "cursor=a&cursor=a",
      `cursor=${"a".repeat(101)}`,
    ];
    for (const query of odd) {
      assert.equal(await outcome(`/products?${query}`), "miss", query);
      assert.equal(await outcome(`/products?${query}`), "miss", query);
    }
    assert.deepEqual(
      origin.seen.map((seen) => seen.url),
      odd.flatMap((query) => [`/products?${query}`, `/products?${query}`]),
    );
    assert.deepEqual((await redis.client.keys("edge-test:page:*")).toSorted(), before);
  });

  test("a page behind the last product is not shared through Redis, the first page is", async () => {
    origin.answer((_seen, response) => answerJson(response, 200, { items: [], nextCursor: null }));
    for (const cursor of ["cDk5", "cDk5OQ"])
      assert.equal(await outcome(`/products?cursor=${cursor}`), "miss");
    assert.deepEqual(await redis.client.keys("edge-test:page:*cursor=cDk5*"), []);
    assert.equal(await outcome("/products?limit=99"), "miss");
    assert.equal((await redis.client.keys("edge-test:page:*limit=99")).length, 1);
  });

  test("another worker finds the page in Redis", async () => {
    const path = "/products?limit=7";
    assert.equal(await outcome(path), "miss");
    const keys = await redis.client.keys("edge-test:page:*limit=7");
    assert.equal(keys.length, 1);
    assert.ok((await redis.client.ttl(keys[0] as string)) > 0);
    await redis.client.set(keys[0] as string, '{"from":"redis"}');
    // The last change was one to a product: a worker that starts now begins in the same generation.
    await edge.stop();
    await edge.start();
    await edge.untilFollowing();
    const answer = await get(path);
    assert.equal(answer.headers[CACHE], "hit-redis");
    assert.equal(answer.body, '{"from":"redis"}');
    assert.equal(await outcome(path), "hit-worker");
  });
});
