import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sessionKey } from "@sluice/contract/keys.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_NOWHERE, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, token } from "./tokens.ts";

const GRACE_SECONDS = 6;

describe("sessions while a worker or Redis is out of reach, and floods of tokens", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    for (const id of [SESSION, "revoked", "unused"]) await redis.session(id, 1, "42");
    edge = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      workers: 2,
      env: { EDGE_SESSION_GRACE_SECONDS: String(GRACE_SECONDS) },
    });
    await edge.untilFollowing();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  const ask = async (bearer: string, address = FROM_GERMANY) => {
    const answer = await edge.from(address, "/orders", { headers: ["authorization", `Bearer ${bearer}`] });
    return answer.status === 200 ? "passes" : answer.json().code;
  };
  const of = (sid: string) => token(edge.signingKey, { sid });
  /** Every worker: twenty times in a row on fresh connections. */
  const everywhere = (bearer: string, outcome: string) =>
    until(`every worker says ${outcome}`, async () => {
      for (let i = 0; i < 20; i++) if ((await ask(bearer)) !== outcome) return false;
      return true;
    });

  test("a flood of tokens that fail gets none verified any more, but for those that are remembered", async () => {
    const [good, fresh] = [of(SESSION), token(edge.signingKey, { jti: "another" })];
    await everywhere(good, "passes");
    const [head, body] = good.split(".");
    const garbage = `${head}.${body}.${"A".repeat(342)}`;
    const reached = origin.seen.length;
    const startedAt = Date.now();
    const headers = ["authorization", `Bearer ${garbage}`];
    const answers = await Promise.all(
      Array.from({ length: 400 }, () => edge.from(FROM_GERMANY, "/orders", { headers })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    // A burst of 50 and ten more a second, of both workers together; one may look while the other counts the last.
    const lookedAtMax = 51 + 10 * Math.ceil((Date.now() - startedAt) / 1_000);
    assert(refused.length >= 400 - lookedAtMax, `${refused.length} of 400 were not looked at`);
    assert(refused.length > 0);
    assert.equal(refused[0]?.json().code, "token.flood");
    assert.equal(refused[0]?.headers["retry-after"], "1");
    assert.equal(origin.seen.length, reached);
    assert.equal(await ask(good), "passes", "who shares the address and is signed in notices nothing");
    assert.equal(await ask(fresh, FROM_NOWHERE), "passes", "nor does anybody elsewhere");
    await until("a moment later it is looked at again", async () => (await ask(fresh)) === "passes");
  });

  test("a revocation is heeded by workers that were disconnected in that moment", async () => {
    const bearer = of("revoked");
    await everywhere(bearer, "passes");
    for (let version = 2; version <= 6; version++) {
      await redis.session("revoked", version, version % 2 === 0 ? undefined : "42");
      await redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await everywhere(bearer, version % 2 === 0 ? "session.revoked" : "passes");
    }
  });

  test("a worker that can't be told asks, and a tombstone that outlived a wipe still refuses", async () => {
    const bearer = of("revoked");
    await redis.client.flushall();
    await everywhere(of(SESSION), "session.unavailable");
    await redis.session(SESSION, 1, "42");
    await redis.session("revoked", 7, undefined);
    await redis.session("unused", 1, "42");
    await redis.ready("2");
    await redis.change("epoch", "2", 1);
    await everywhere(bearer, "session.revoked");
    await everywhere(of(SESSION), "passes");
    assert.equal(await redis.client.hget(sessionKey(PREFIX, "revoked"), "d"), null);
  });

  test("without Redis known sessions go on for the grace, others get 503, none passes on its signature", async () => {
    const known = of(SESSION);
    // In this order: what a worker hears before it follows the changes it does not keep.
    await edge.untilFollowing();
    await everywhere(known, "passes");
    await redis.kill();
    const killedAt = Date.now();
    // Whatever a worker meets first: nobody who was known is refused before the grace is over.
    while (Date.now() - killedAt < (GRACE_SECONDS - 3) * 1_000) {
      const [outcome, unknown] = [await ask(known), await ask(of("unused"))];
      assert.equal(outcome, "passes", `${Date.now() - killedAt} ms after`);
      assert.equal(unknown, "session.unavailable");
    }
    await everywhere(known, "session.unavailable");
    await redis.restart();
    await everywhere(known, "passes");
    await everywhere(of("unused"), "passes");
  });
});
