import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PAGES } from "../pages.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";

describe("pages", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    const match = { country: ["KP"] };
    await redis.policy(1, {
      rules: [{ id: "kp", match, action: "deny", mode: "enforce" }],
      default: "allow",
    });
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
    await until("the rule is in force", async () => (await edge.from(FROM_KOREA, "/")).status === 403);
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  const get = (path: string, headers: string[] = [], method = "GET") =>
    edge.from(FROM_GERMANY, path, { headers, method });

  test("each comes from memory, may be framed by nobody, and is asked for again each time", async () => {
    for (const { path } of PAGES) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.match(
        answer.headers["content-type"] ?? "",
        /^(text\/(html|css|javascript)|image\/svg\+xml)/,
        path,
      );
      assert.match(
        answer.headers["content-security-policy"] ?? "",
        /default-src 'none'.*frame-ancestors 'none'/,
      );
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["cache-control"], "no-cache");
      const known = await get(path, ["if-none-match", answer.headers.etag ?? ""]);
      assert.deepEqual([known.status, known.body], [304, ""], path);
      assert.equal(known.headers.etag, answer.headers.etag);
    }
    assert.equal(origin.seen.length, 0);
  });

  test("what a page asks for is served, and has no types left", async () => {
    const paths = new Set(PAGES.map(({ path }) => path));
    for (const { path, file } of PAGES) {
      const { body } = await get(path);
      for (const [, named = ""] of body.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
        assert(paths.has(named), `${path} names ${named}`);
      }
      for (const [, from = ""] of body.matchAll(/ from "([^"]+)"/g)) {
        assert(paths.has(new URL(from, `http://edge.test${path}`).pathname), `${path} imports ${from}`);
      }
      if (file.endsWith(".ts")) assert.doesNotMatch(body, /^(interface|type|export interface)/m, path);
    }
  });

  test("HEAD has the fields only, other methods are refused, and so is whom the policy refuses", async () => {
    const head = await get("/account", [], "HEAD");
    assert.deepEqual([head.status, head.body], [200, ""]);
    assert(Number(head.headers["content-length"]) > 1_000);
    const post = await get("/account", [], "POST");
    assert.deepEqual(
      [post.status, post.json().code, post.headers.allow],
      [405, "method.not_allowed", "GET, HEAD"],
    );
    const denied = await edge.from(FROM_KOREA, "/account");
    assert.deepEqual([denied.status, denied.json().code], [403, "access.denied"]);
  });
});
