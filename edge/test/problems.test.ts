import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { EDGE_PROBLEMS } from "@sluice/contract/error-codes.ts";
import { type EdgeUnderTest, FROM_GERMANY, startEdge } from "./edge-under-test.ts";
import { ask, sendRaw } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";

describe("what the edge refuses by itself", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
    await edge.untilReady();
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

  function expectProblem(answer: Awaited<ReturnType<typeof ask>>, status: number, code: string): void {
    assert.equal(answer.status, status);
    assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
    const problem = answer.json();
    assert.equal(problem.code, code);
    assert.equal(problem.status, status);
    assert.equal(problem.type, `/errors#${code}`);
    assert.equal(problem.requestId, answer.headers["x-request-id"]);
    assert.ok(EDGE_PROBLEMS.some((kind) => kind.code === code));
    assert.equal(answer.headers.server, "nginx");
    assert.equal(origin.seen.length, 0);
  }

  test("what is not a route", async () => {
    for (const path of [
      "/nope",
      "/web/nope.js",
      "/auth",
      "/auth/login/",
      "/products/1/secret",
      "/-/problem",
      "/-/origin/orders",
    ]) {
      expectProblem(await ask(edge.port, path), 404, "route.not_found");
    }
  });

  test("a method that the route does not know, with those that it does", async () => {
    const answer = await ask(edge.port, "/orders", { method: "DELETE" });
    expectProblem(answer, 405, "method.not_allowed");
    assert.equal(answer.headers.allow, "GET, HEAD, POST");
    expectProblem(await ask(edge.port, "/auth/login"), 405, "method.not_allowed");
    expectProblem(await ask(edge.port, "/products/1", { method: "POST" }), 405, "method.not_allowed");
  });

  test("a path that edge and origin could read in two ways", async () => {
    for (const path of ["/x/../auth/login", "//auth/login", "/auth/%6cogin", "/./auth/login"]) {
      expectProblem(await ask(edge.port, path, { method: "POST" }), 400, "request.malformed");
    }
    const answer = await ask(edge.port, "/openapi.json?a=%2e%2e", {});
    assert.equal(answer.status, 200);
    assert.equal(origin.seen.at(-1)?.url, "/openapi.json?a=%2e%2e");
  });

  test("a body that is too large, announced or in chunks", async () => {
    const body = Buffer.alloc(70_000);
    expectProblem(await ask(edge.port, "/auth/login", { method: "POST", body }), 413, "request.too_large");
    const chunk = `${(70_000).toString(16)}\r\n${"x".repeat(70_000)}\r\n0\r\n\r\n`;
    const raw = await sendRaw(
      edge.port,
      `POST /auth/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunk}`,
    );
    assert.match(raw, /^HTTP\/1\.1 413 /);
    assert.match(raw, /"code":"request\.too_large"/);
    const [record] = await edge.decisions(1, (one) => one.status === 413);
    assert.equal(record?.method, "POST");
    assert.equal(record?.path, "/auth/login");
  });

  test("requests that nginx cannot read, and headers that are too many or too long", async () => {
    const cases: [name: string, bytes: string, status: number, code: string][] = [
      ["no host", "GET /auth/login HTTP/1.1\r\nconnection: close\r\n\r\n", 400, "request.malformed"],
      [
        "a bad header",
        "GET / HTTP/1.1\r\nhost: a\r\nbad header\r\nx\0y: 1\r\nconnection: close\r\n\r\n",
        400,
        "request.malformed",
      ],
      [
        "a bad length",
        "POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        400,
        "request.malformed",
      ],
      ["a long line", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 414, "request.too_large"],
      [
        "a long header",
        `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(20_000)}\r\n\r\n`,
        431,
        "request.too_large",
      ],
      [
        "many headers",
        `POST /auth/login HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${"a: b\r\n".repeat(120)}\r\n`,
        431,
        "request.too_large",
      ],
    ];
    for (const [name, bytes, status, code] of cases) {
      const raw = await sendRaw(edge.port, bytes);
      assert.match(raw, new RegExp(`^HTTP/1\\.1 ${status} `), name);
      assert.match(raw, /content-type: application\/problem\+json/i, name);
      assert.ok(raw.includes(`"code":"${code}"`), name);
      assert.ok(raw.includes(`"status":${status}`), name);
    }
    assert.equal(origin.seen.length, 0);
  });

  test("the origin's own errors pass through untouched", async () => {
    origin.answer((_seen, response) => answerJson(response, 422, { code: "order.empty", status: 422 }));
    const answer = await edge.from(FROM_GERMANY, "/auth/login", { method: "POST" });
    assert.equal(answer.status, 422);
    assert.equal(answer.body, '{"code":"order.empty","status":422}');
    origin.answer((_seen, response) => answerJson(response, 503, { code: "db.down", status: 503 }));
    assert.equal((await ask(edge.port, "/openapi.json")).json().code, "db.down");
  });

  test("a query never reaches the decision log", async () => {
    await ask(edge.port, "/openapi.json?access_token=hidden");
    const [record] = await edge.decisions(1, (one) => one.path === "/openapi.json" && one.status === 200);
    assert.ok(record !== undefined);
    const all = await edge.decisions(1, () => true);
    assert.ok(!JSON.stringify(all).includes("hidden"));
  });

  test("a line of the decision log is JSON, whatever bytes were sent", async () => {
    for (const path of [
      "/products/\xff",
      "/\xc3(?a=1",
      "/products/%ff",
      "/orders/%22%0a/pay",
      '/a"b\\c',
      "/d?\xff",
    ]) {
      await sendRaw(edge.port, `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    }
    const last = await ask(edge.port, "/the-last-one");
    await edge.decisions(1, (one) => one.requestId === (last.headers["x-request-id"] as string));
    const bytes = readFileSync(join(edge.folder, "logs/edge-decisions.log"));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const paths = text
      .trimEnd()
      .split("\n")
      .slice(-7)
      .map((line) => JSON.parse(line).path);
    assert.deepEqual(paths, [
      "/products/...",
      "/...",
      "/products/%ff",
      "/orders/%22%0a/pay",
      '/a"b\\c',
      "/d",
      "/the-last-one",
    ]);
  });

  test("a query never reaches the error log, whatever fails", async () => {
    const failing: [path: string, body: number, status: number][] = [
      ["/auth/login?token=SECRET", 70_000, 413],
      ["/auth/refresh?token=SECRET", 10, 503],
      ["/auth/logout?token=SECRET", 10, 503],
    ];
    origin.answer((_seen, response) => response.destroy());
    for (const [path, length, status] of failing) {
      const answer = await ask(edge.port, path, { method: "POST", body: Buffer.alloc(length) });
      assert.equal(answer.status, status, path);
    }
    assert.equal((await ask(edge.port, "/products?token=SECRET")).status, 503);
    await sendRaw(edge.port, "GET /auth/login?token=SECRET HTTP/1.1\r\nconnection: close\r\n\r\n");
    const [record] = await edge.decisions(1, (one) => one.path === "/auth/logout");
    assert.equal(record?.upstream, `127.0.0.1:${origin.port}`);
    assert.equal(record?.upstreamStatus, "502");
    assert.ok(!JSON.stringify(await edge.decisions(1, () => true)).includes("SECRET"));
    assert.doesNotMatch(edge.log(), /SECRET/);
    // The edge's own lines are there.
    assert.match(edge.log(), /\[notice\] .*loaded policy and lists/);
  });

  test("its own pages", async () => {
    assert.equal((await ask(edge.port, "/healthz")).body, '{"status":"ok"}');
    await edge.untilFollowing();
    assert.equal((await ask(edge.port, "/readyz")).body, '{"status":"ready","changes":"followed"}');
  });
});
