import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type Attack, tokenAttacks } from "../../contract/cases/token-attacks.ts";
import { type EdgeUnderTest, KEY_ID, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, token } from "./tokens.ts";

describe("attacks on tokens, the table that the origin answers too", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    await redis.session(SESSION, 1, "42");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
    await edge.untilFollowing();
    const spkiOf = (key: typeof other.privateKey) =>
      createPublicKey(key).export({ type: "spki", format: "pem" }) as string;
    edge.publishKeys([
      { kid: KEY_ID, alg: "RS256", spki: spkiOf(edge.signingKey) },
      { kid: "other", alg: "RS256", spki: spkiOf(other.privateKey) },
    ]);
    const byOther = token(other.privateKey, {}, { kid: "other" });
    await until("the second key is known", async () => {
      return (await orders({ authorizations: [`Bearer ${byOther}`], cookies: [] })).status === 200;
    });
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  let asked = 0;
  /** Each from an address of its own: of one that sends so many nothing is looked at any more. */
  const orders = ({ authorizations, cookies }: Pick<Attack, "authorizations" | "cookies">) =>
    edge.from(`10.0.${(asked >> 8) & 255}.${asked++ & 255}`, "/orders", {
      headers: [
        ...authorizations.flatMap((value) => ["authorization", value]),
        ...cookies.flatMap((value) => ["cookie", value]),
      ],
    });
  const attacks = (): Attack[] =>
    tokenAttacks({
      key: edge.signingKey,
      kid: KEY_ID,
      otherKey: other.privateKey,
      otherKid: "other",
      sessionId: SESSION,
      nowS: Math.floor(Date.now() / 1_000),
    });

  test("each is answered with its code and challenge, and none of them reaches the origin", async () => {
    const all = attacks();
    const good = all.filter(passes);
    const bad = all.filter((attack) => !passes(attack));
    // At once: some of them are good for a few seconds only.
    const answers = await Promise.all(good.map(orders));
    for (const [at, { what }] of good.entries()) assert.equal(answers[at]?.status, 200, what);
    const reached = origin.seen.length;
    for (const attack of bad) {
      const { what, authorizations, verdict } = attack;
      const answer = await orders(attack);
      const { code, requestId } = answer.json();
      // Two fields are one too many for nginx itself, which can't tell what they are about.
      if (authorizations.length > 1 && code === "request.malformed") continue;
      assert.deepEqual([answer.status, code], [401, verdict], what);
      assert.equal(requestId, answer.headers["x-request-id"], what);
      const challenge = 'Bearer realm="sluice"';
      assert.equal(
        answer.headers["www-authenticate"],
        code === "token.missing" ? challenge : `${challenge}, error="invalid_token"`,
        what,
      );
    }
    assert.equal(origin.seen.length, reached);
  });
});

function passes({ verdict }: Attack): boolean {
  return verdict === "passes";
}
