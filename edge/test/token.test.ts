import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type EdgeUnderTest, FROM_GERMANY, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, segment, token } from "./tokens.ts";

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

  test("the scheme is matched without regard to case", async () => {
    assert.equal((await orders(`bearer ${token(edge.signingKey)}`)).status, 200);
  });

  test("whatever else is refused, each for its reason", async () => {
    const good = token(edge.signingKey);
    const [header, payload, signature] = good.split(".") as [string, string, string];
    const nowS = Math.floor(Date.now() / 1000);
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const make = (claims: object, more: object = {}) => `Bearer ${token(edge.signingKey, claims, more)}`;
    const none = `${segment({ alg: "none", typ: "at+jwt", kid: "test-key" })}.${payload}`;
    const hmacHead = `${segment({ alg: "HS256", typ: "at+jwt", kid: "test-key" })}.${payload}`;
    const pem = createPublicKey(edge.signingKey).export({ type: "spki", format: "pem" });
    const hmac = createHmac("sha256", pem).update(hmacHead).digest("base64url");
    const cases: [name: string, authorizations: string[], code: string][] = [
      ["no header", [], "token.missing"],
      ["another scheme", ["Basic ZGVtbzpkZW1v"], "token.missing"],
      ["nothing after the scheme", ["Bearer"], "token.missing"],
      ["two tokens in one header", [`Bearer ${good}, Bearer ${good}`], "token.malformed"],
      ["no segments", ["Bearer abc"], "token.malformed"],
      ["two segments", [`Bearer ${header}.${payload}`], "token.malformed"],
      ["an empty signature", [`Bearer ${header}.${payload}.`], "token.malformed"],
      ["four segments", [`Bearer ${good}.x`], "token.malformed"],
      ["a dot at the end", [`Bearer ${good}.`], "token.malformed"],
      ["cut short", [`Bearer ${good.slice(0, -6)}`], "token.invalid"],
      ["padding", [`Bearer ${good}==`], "token.malformed"],
      ["the other base64 alphabet", [`Bearer ${header}.${payload}.${"+/".repeat(171)}`], "token.malformed"],
      ["too long", [`Bearer ${good}${"A".repeat(2048)}`], "token.malformed"],
      ["a header that is not JSON", [`Bearer ${"AAAA"}.${payload}.${signature}`], "token.malformed"],
      ["alg none", [`Bearer ${none}.`], "token.malformed"],
      ["alg none with a signature", [`Bearer ${none}.${signature}`], "token.invalid"],
      ["the public key as an HMAC secret", [`Bearer ${hmacHead}.${hmac}`], "token.invalid"],
      ["another algorithm", [make({}, { alg: "PS256" })], "token.invalid"],
      ["another type", [make({}, { typ: "JWT" })], "token.invalid"],
      ["an unknown kid", [make({}, { kid: "nobody" })], "token.invalid"],
      ["no kid", [make({}, { kid: undefined })], "token.invalid"],
      ["crit", [make({}, { crit: ["b64"] })], "token.invalid"],
      ["an embedded key", [make({}, { jwk: {} })], "token.invalid"],
      ["somebody else's key", [`Bearer ${token(other)}`], "token.invalid"],
      ["another payload", [`Bearer ${header}.${segment({ sub: "1" })}.${signature}`], "token.invalid"],
      ["another issuer", [make({ iss: "evil" })], "token.invalid"],
      ["another audience", [make({ aud: "shop" })], "token.invalid"],
      ["a list of audiences", [make({ aud: ["sluice", "x"] })], "token.invalid"],
      ["no session", [make({ sid: undefined })], "token.invalid"],
      ["a user id that is a number", [make({ sub: 42 })], "token.invalid"],
      ["no expiry", [make({ exp: undefined })], "token.invalid"],
      ["an expiry in words", [make({ exp: "soon" })], "token.invalid"],
      ["expired", [make({ exp: nowS - 60 })], "token.expired"],
      ["a session that is not there", [make({ sid: "gone" })], "session.revoked"],
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

  test("two authorizations are refused, by nginx or by us", async () => {
    const good = `Bearer ${token(edge.signingKey)}`;
    const before = origin.seen.length;
    const answer = await orders(good, good);
    assert.ok(answer.status === 400 || answer.status === 401, String(answer.status));
    assert.match(String(answer.json().code), /^(request|token)\.malformed$/);
    assert.equal(origin.seen.length, before);
  });

  test("a token whose last bits are not canonical is another spelling, and refused", async () => {
    const good = token(edge.signingKey);
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // 256 bytes end in a character of which four bits are unused.
    const last = alphabet.indexOf(good.at(-1) as string);
    const twin = good.slice(0, -1) + alphabet[last + 1];
    assert.equal((await orders(`Bearer ${twin}`)).json().code, "token.malformed");
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
