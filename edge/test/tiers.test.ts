import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { type EdgeUnderTest, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";

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
