import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TokenPublicKey } from "@sluice/contract/token-claims.ts";
import { type EdgeUnderTest, KEY_ID, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, token } from "./tokens.ts";

describe("keys are rotated under a running edge", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  const fresh = generateKeyPairSync("rsa", { modulusLength: 2048 });

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

  const spkiOf = (key: typeof fresh.publicKey) => key.export({ type: "spki", format: "pem" }) as string;
  const freshKey = (): TokenPublicKey => ({ kid: "fresh", alg: "RS256", spki: spkiOf(fresh.publicKey) });
  let asked = 0;
  /** From many addresses: of one that sends tokens which fail, none is looked at after a while. */
  const ask = async (bearer: string) => {
    const address = `10.0.${(asked >> 8) & 255}.${asked++ & 255}`;
    const answer = await edge.from(address, "/orders", {
      headers: ["authorization", `Bearer ${bearer}`],
    });
    return answer.status === 200 ? "passes" : answer.json().code;
  };
  /** Every worker: twenty times in a row on fresh connections. */
  const everywhere = (bearer: string, outcome: string) =>
    until(`every worker says ${outcome}`, async () => {
      for (let i = 0; i < 20; i++) if ((await ask(bearer)) !== outcome) return false;
      return true;
    });

  test("a new key is known without a reload, the old one until its end, and then no more", async () => {
    const old = token(edge.signingKey);
    const next = token(fresh.privateKey, {}, { kid: "fresh" });
    await everywhere(old, "passes");
    assert.equal(await ask(next), "token.invalid");
    const oldKey = { kid: KEY_ID, alg: "RS256", spki: spkiOf(createPublicKey(edge.signingKey)) } as const;
    const verifiesUntil = Math.floor(Date.now() / 1_000) + 3;
    edge.publishKeys([{ ...oldKey, verifiesUntil }, freshKey()]);
    await everywhere(next, "passes");
    // What was verified before is over with its own time, which is never after its key's; what comes anew is not let in.
    const unseen = () => token(edge.signingKey, { jti: String(Math.random()) });
    await until("the old key has ended", async () => (await ask(unseen())) === "token.invalid");
    assert(Date.now() / 1_000 >= verifiesUntil, "and not before its time");
  });

  test("a file that can't be used leaves the keys that are there, and the log says so once", async () => {
    writeFileSync(join(edge.folder, "keys.json"), '{"keys":[{"kid":"x","alg":"RS256","spki":"none"}]}');
    await until("both workers have looked", () => edge.log().split("those before stay").length > 2);
    await everywhere(token(fresh.privateKey, {}, { kid: "fresh" }), "passes");
    for (const content of [
      "",
      "[]",
      "{}",
      '{"keys":5}',
      '{"keys":[]}',
      '{"keys":[{"kid":"fresh","alg":"none"}]}',
    ]) {
      writeFileSync(join(edge.folder, "keys.json"), content);
      assert.equal(await ask(token(fresh.privateKey, {}, { kid: "fresh" })), "passes", content);
    }
    assert.equal(edge.log().split("key x is not").length - 1, 2);
  });

  test("a key that is taken out ends the tokens that workers remember, at once", async () => {
    const remembered = token(fresh.privateKey, {}, { kid: "fresh" });
    await everywhere(remembered, "passes");
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    edge.publishKeys([{ kid: "other", alg: "RS256", spki: spkiOf(other.publicKey) }]);
    await everywhere(remembered, "token.invalid");
    await everywhere(token(other.privateKey, {}, { kid: "other" }), "passes");
  });
});
