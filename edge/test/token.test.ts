import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { COOKIE_ACCESS } from "@sluice/contract/cookies.ts";
import { type EdgeUnderTest, FROM_GERMANY, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, token } from "./tokens.ts";

describe("token and session", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    await redis.session(SESSION, 1, "42");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: 2 });
    await edge.untilReady();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  const orders = (...authorizations: string[]) =>
    edge.from(FROM_GERMANY, "/orders", {
      headers: authorizations.flatMap((value) => ["authorization", value]),
    });

  test("a valid token passes, again from memory, and reaches the origin as it was sent", async () => {
    const good = `Bearer ${token(edge.signingKey)}`;
    for (let i = 0; i < 4; i++) assert.equal((await orders(good)).status, 200);
    assert.equal(origin.seen.at(-1)?.headers.authorization, good);
    const records = await edge.decisions(4, (one) => one.path === "/orders" && one.status === 200);
    assert.equal(records[0]?.userId, "42");
    assert.ok(!JSON.stringify(records).includes(good.slice(-40)), "no token in the log");
  });

  test("a browser's token passes in a cookie, which reaches the origin as it was sent", async () => {
    const cookie = `theme=dark; ${COOKIE_ACCESS}=${token(edge.signingKey)}`;
    assert.equal((await edge.from(FROM_GERMANY, "/orders", { headers: ["cookie", cookie] })).status, 200);
    assert.equal(origin.seen.at(-1)?.headers.cookie, cookie);
  });

  test("public routes don't look at tokens: the one in a cookie may be over", async () => {
    const stale = `${COOKIE_ACCESS}=${token(edge.signingKey, { exp: 1 })}`;
    const headers = ["cookie", `${stale}; ${stale}`];
    assert.equal((await edge.from(FROM_GERMANY, "/auth/providers", { headers })).status, 200);
  });

  test("the scheme is matched without regard to case", async () => {
    assert.equal((await orders(`bearer ${token(edge.signingKey)}`)).status, 200);
  });

  test("what is refused says why, and reaches nobody", async () => {
    const cases: [name: string, authorizations: string[], code: string][] = [
      ["no header", [], "token.missing"],
      ["no token", ["Bearer abc"], "token.malformed"],
      ["another issuer", [`Bearer ${token(edge.signingKey, { iss: "evil" })}`], "token.invalid"],
      ["expired", [`Bearer ${token(edge.signingKey, { exp: 1 })}`], "token.expired"],
      [
        "a session that is not there",
        [`Bearer ${token(edge.signingKey, { sid: "gone" })}`],
        "session.revoked",
      ],
    ];
    for (const [name, authorizations, code] of cases) {
      const before = origin.seen.length;
      const answer = await orders(...authorizations);
      assert.equal(answer.status, 401, name);
      assert.equal(answer.json().code, code, name);
      assert.match(answer.headers["www-authenticate"] ?? "", /^Bearer realm="sluice"/, name);
      assert.equal(answer.json().requestId, answer.headers["x-request-id"], name);
      assert.equal(origin.seen.length, before, `${name}: nothing reaches the origin`);
    }
  });

  test("a token expires while it is remembered", async () => {
    const nowS = Math.floor(Date.now() / 1000);
    // Five seconds of skew are granted.
    const short = `Bearer ${token(edge.signingKey, { exp: nowS - 4 })}`;
    assert.equal((await orders(short)).status, 200);
    await until("it has expired", async () => (await orders(short)).json().code === "token.expired");
  });

  test("a revoked session is refused by every worker at once, and a new one is not", async () => {
    const good = `Bearer ${token(edge.signingKey)}`;
    for (let i = 0; i < 20; i++) assert.equal((await orders(good)).status, 200);
    await redis.session(SESSION, 2, undefined);
    await until("all workers refuse it", async () => {
      for (let i = 0; i < 20; i++) if ((await orders(good)).json().code !== "session.revoked") return false;
      return true;
    });
    await redis.session("another", 1, "42");
    assert.equal((await orders(`Bearer ${token(edge.signingKey, { sid: "another" })}`)).status, 200);
  });
});
