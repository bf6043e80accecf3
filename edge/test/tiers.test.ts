import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { FIELD_FLOOR, fillsKey, likersKey, likesKey } from "@sluice/contract/keys.ts";
import { composeLikesPage, LIKES_TABLE, memberOf } from "@sluice/contract/likes.ts";
import { type EdgeUnderTest, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const CACHE = "x-sluice-cache";

/** Two workers: the kernel spreads connections over them. */
describe("the tiers of cached reads", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: 2 });
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

  const get = (path: string, headers: string[] = []) => ask(edge.port, path, { headers });
  const untilHeld = (path: string) =>
    until(`${path} is in memory`, async () => (await get(path)).headers[CACHE] === "hit-worker");

  test("a thousand clients on one cold key, over all workers: one question to the origin", async () => {
    for (const path of ["/products/1", "/products?limit=5"]) {
      origin.seen.length = 0;
      const waiting: ServerResponse[] = [];
      origin.answer((_seen, response) => waiting.push(response));
      const answers = Promise.all(Array.from({ length: 1_000 }, () => get(path)));
      await until("the origin was asked", () => waiting.length === 1);
      answerJson(waiting[0] as ServerResponse, 200, { path });
      for (const answer of await answers) {
        assert.equal(answer.status, 200);
        assert.equal(answer.body, JSON.stringify({ path }));
      }
      assert.equal(origin.seen.length, 1);
    }
  });

  test("a failure is told to all who wait, and the next one asks again", async () => {
    const waiting: ServerResponse[] = [];
    const fail = (response: ServerResponse) => {
      response.writeHead(502, { "content-type": "text/plain" });
      response.end("no");
    };
    origin.answer((_seen, response) => waiting.push(response));
    const answers = Promise.all(Array.from({ length: 100 }, () => get("/products/2")));
    await until("the origin was asked", () => waiting.length === 1);
    // Whoever comes only after this asks anew.
    origin.answer((_seen, response) => fail(response));
    fail(waiting[0] as ServerResponse);
    for (const answer of await answers) assert.equal(answer.json().code, "origin.unavailable");
    assert.ok(origin.seen.length < 50, `${origin.seen.length} questions`);
    origin.answer((_seen, response) => answerJson(response, 200, { id: 2 }));
    assert.equal((await get("/products/2")).status, 200);
  });

  test("a page has an entity tag, the same from every tier and worker, and 304 answers who has it", async () => {
    for (const path of ["/products/3", "/products?limit=3"]) {
      const first = await get(path);
      const tag = String(first.headers.etag);
      assert.match(tag, /^"[0-9a-f]{16}"$/);
      await untilHeld(path);
      for (let i = 0; i < 20; i++) assert.equal((await get(path)).headers.etag, tag);
      for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
        const answer = await get(path, ["if-none-match", known]);
        assert.equal(answer.status, 304, known);
        assert.equal(answer.body, "");
        assert.equal(answer.headers.etag, tag);
        assert.equal(answer.headers["content-type"], undefined);
        assert.ok(answer.headers["x-request-id"]);
      }
      const other = await get(path, ["if-none-match", '"0123456789abcdef"']);
      assert.equal(other.status, 200);
      assert.equal(other.body, first.body);
      assert.equal(other.headers["content-type"], "application/json; charset=utf-8");
    }
    const cold = await get("/products/33");
    const changed = await get("/products?limit=33", ["if-none-match", "*"]);
    assert.equal(cold.status, 200);
    assert.equal(changed.status, 304);
  });

  test("what is refused on the way to a page is a problem document as anywhere else", async () => {
    await untilHeld("/products/4");
    const answer = await ask(edge.port, "/products/4", { method: "POST", body: "{}" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
    assert.equal(answer.headers.allow, "GET, HEAD");
  });

  test("what the origin marks as one client's own is kept by nobody", async () => {
    const marks: Record<string, string>[] = [
      { "set-cookie": "sid=1" },
      { "cache-control": "max-age=60, Private" },
      { "cache-control": "no-store" },
      { vary: "accept-language" },
    ];
    for (const [index, mark] of marks.entries()) {
      const path = `/products/${50 + index}`;
      origin.answer((_seen, response) => {
        response.writeHead(200, { "content-type": "application/json", ...mark });
        response.end("{}");
      });
      origin.seen.length = 0;
      for (let i = 0; i < 4; i++) {
        const answer = await get(path);
        assert.equal(answer.headers[CACHE], "miss");
        assert.equal(answer.headers["set-cookie"], undefined);
      }
      assert.equal(origin.seen.length, 4);
    }
  });

  test("who sends a token or a cookie gets what everybody gets", async () => {
    await untilHeld("/products/6");
    const anonymous = await get("/products/6");
    const known = await get("/products/6", ["authorization", "Bearer a.b.c", "cookie", "a=b"]);
    assert.equal(known.status, 200);
    assert.equal(known.body, anonymous.body);
    assert.equal(origin.seen.length, 1);
  });

  test("who likes a product: from Redis while it holds the page, from memory, anew after a change", async () => {
    const path = "/products/8/likes";
    const { client } = redis;
    const like = async (userId: number, likedAtMs: number, count: number) => {
      await client.zadd(likersKey(PREFIX, "8"), likedAtMs, memberOf(String(userId)));
      await client.hset(likesKey(PREFIX, "8"), { v: count, d: JSON.stringify({ likes: count }) });
      await redis.change("likes", "8", count);
    };
    for (let userId = 1; userId <= 20; userId++) await like(userId, 1_796_083_200_000 + userId, userId);
    const notFilled = await get(path);
    assert.equal(notFilled.headers[CACHE], "miss", "records may be missing while they are filled");
    await client.set(fillsKey(PREFIX), JSON.stringify({ [LIKES_TABLE]: { revision: 1 } }));
    const likers = (count: number) =>
      Array.from({ length: count }, (_, index) => {
        return { userId: String(count - index), likedAtMs: 1_796_083_200_000 + count - index };
      });
    const untilShown = (count: number) =>
      until(
        `${count} like it`,
        async () => (await get(path)).body === composeLikesPage(count, likers(count), 20),
      );
    await like(21, 1_796_083_200_021, 21);
    await untilShown(21);
    origin.seen.length = 0;
    await untilHeld(path);
    await client.zadd(likersKey(PREFIX, "8"), 1_796_083_200_022, memberOf("22"));
    await like(22, 1_796_083_200_022, 22);
    await untilShown(22);
    assert.equal((await get(`${path}?limit=5`)).headers[CACHE], "miss", "other pages are the origin's");
    assert.deepEqual(
      origin.seen.map(({ url }) => url),
      [`${path}?limit=5`],
    );
    // Only a few are above the floor: what is below it Redis has not.
    await client.del(likersKey(PREFIX, "8"));
    await client.hset(likesKey(PREFIX, "8"), FIELD_FLOOR, 1_796_083_200_022);
    await like(23, 1_796_083_200_023, 23);
    await until("the origin gives the page", async () => {
      await get(path);
      return origin.seen.some(({ url }) => url === path);
    });
  });

  test("when nobody can be asked, a page that is held is given although it should be newer", async () => {
    await untilHeld("/products/7");
    const held = (await get("/products/7")).body;
    origin.answer((_seen, response) => answerJson(response, 500, { code: "internal", status: 500 }));
    await redis.kill();
    try {
      origin.seen.length = 0;
      await until("the page is past its time and the origin was asked in vain", async () => {
        const answer = await get("/products/7");
        assert.equal(answer.status, 200);
        assert.equal(answer.body, held);
        return origin.seen.length > 0;
      });
    } finally {
      await redis.restart();
    }
    await edge.untilFollowing();
  });
});
