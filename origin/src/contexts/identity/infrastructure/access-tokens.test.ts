import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { TOKEN_CLOCK_SKEW_SECONDS } from "@sluice/contract/token-claims.ts";
import { fastify } from "fastify";
import { tokenAttacks } from "../../../../../contract/cases/token-attacks.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { authenticateUserBy } from "../interface/authenticate-user.ts";
import { refuseOtherSitesThan } from "../interface/cookies.ts";
import { signWith, verifyWith } from "./access-tokens.ts";
import { keysOf } from "./token-keys.ts";

const [first, second] = [0, 1].map(() => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
if (first === undefined || second === undefined) throw new Error("there are two keys");
const settings = { issuer: "sluice", audience: "sluice", ttlSeconds: 600 };
let nowMs = 1_800_000_000_000;
const loadedKey = (kid: string, privateKey: typeof first) => ({
  kid,
  alg: "RS256" as const,
  spki: "",
  publicKey: createPublicKey(privateKey),
  privateKey,
});
const [k1, k2] = [loadedKey("k1", first), loadedKey("k2", second)];
let listed = [k1, k2];
const keys = keysOf(
  () => listed,
  () => nowMs,
);
const verify = verifyWith(keys, settings, () => nowMs);

test("what was signed here is verified here, from the first to the last moment", async () => {
  const issuedMs = nowMs;
  const signed = await signWith(keys, settings).sign(7, "s-1", issuedMs);
  const outcomeAt = async (ms: number) => {
    nowMs = ms;
    try {
      return (await verify(signed)).sessionId;
    } catch (error) {
      assert(error instanceof Refusal);
      return error.definition.code;
    }
  };
  const endsMs = issuedMs + (600 + TOKEN_CLOCK_SKEW_SECONDS) * 1_000;
  assert.equal(await outcomeAt(issuedMs), "s-1");
  assert.equal(await outcomeAt(endsMs - 1), "s-1");
  assert.equal(await outcomeAt(endsMs), "token.expired");
  nowMs = issuedMs;
});

test("what was found good is refused as soon as its key is dropped, or is another one", async () => {
  const signed = await signWith(keys, settings).sign(7, "s-1", nowMs);
  const isGood = () =>
    verify(signed).then(
      () => true,
      () => false,
    );
  assert.equal(await isGood(), true);
  listed = [k2];
  assert.equal(await isGood(), false);
  listed = [loadedKey("k1", second), k2];
  assert.equal(await isGood(), false, "another key of the same name");
  listed = [loadedKey("k1", first), k2];
  assert.equal(await isGood(), true, "the same key, read again");
});

/** What the edge answers too: see edge/test/token-attacks.test.ts. */
const attacks = tokenAttacks({
  key: first,
  kid: "k1",
  otherKey: second,
  otherKid: "k2",
  sessionId: "s-1",
  nowS: nowMs / 1_000,
});

/** A server, because what is a field of a request is decided there. */
const app = fastify();
const fromHere = refuseOtherSitesThan("http://127.0.0.1:8080", () => undefined);
const authenticate = authenticateUserBy(verify, fromHere);
app.get("/", async (request, reply) => {
  try {
    return { ...(await authenticate(request)), verdict: "passes" };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const challenge = error.details.headers?.["www-authenticate"];
    return reply.code(401).send({ verdict: error.definition.code, challenge });
  }
});
after(() => app.close());
const address = await app.listen({ host: "127.0.0.1", port: 0 });

for (const { what, authorizations, cookies, verdict } of attacks) {
  test(`${what}: ${verdict}`, async () => {
    const answer = await asked(authorizations, cookies);
    assert.equal(answer.verdict, verdict);
    if (verdict === "passes") assert.deepEqual([answer.id, answer.sessionId], [42, "s-1"]);
    else {
      const challenge = 'Bearer realm="sluice"';
      const expected = verdict === "token.missing" ? challenge : `${challenge}, error="invalid_token"`;
      assert.equal(answer.challenge, expected);
    }
  });
}

async function asked(authorizations: readonly string[], cookies: readonly string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const fields = [
    ...authorizations.flatMap((value) => ["authorization", value]),
    ...cookies.flatMap((value) => ["cookie", value]),
  ];
  request(address, { headers: ["host", new URL(address).host, ...fields], agent: false }, resolve)
    .on("error", reject)
    .end();
  return JSON.parse(await text(await promise));
}
