import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { TOKEN_CLOCK_SKEW_SECONDS } from "@sluice/contract/token-claims.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { signWith, verifyWith } from "./access-tokens.ts";
import { keysOf } from "./token-keys.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const settings = { issuer: "sluice", audience: "sluice", ttlSeconds: 600 };
const nowMs = 1_800_000_000_000;
const now = nowMs / 1_000;
const spki = publicKey.export({ type: "spki", format: "pem" }) as string;
const keys = keysOf(
  () => [{ kid: "k1", alg: "RS256", spki, publicKey, privateKey }],
  () => nowMs,
);
const verify = verifyWith(keys, settings, () => nowMs);

const header = { alg: "RS256", typ: "at+jwt", kid: "k1" };
const claims = { iss: "sluice", aud: "sluice", sub: "7", sid: "s-1", iat: now, exp: now + 600 };

function encode(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

function token(head: object, body: unknown, key: KeyObject = privateKey): string {
  const input = `${encode(head)}.${encode(body)}`;
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
}

function hmacToken(head: object, secret: string | Buffer): string {
  const input = `${encode(head)}.${encode(claims)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

const good = token(header, claims);

test("what was signed here is verified here", async () => {
  const signed = await signWith(keys, settings).sign(7, "s-1", nowMs);
  assert.deepEqual(await verify(signed), { id: 7, sessionId: "s-1" });
});

test("the test's own tokens are good when nothing is wrong with them", async () => {
  assert.deepEqual(await verify(good), { id: 7, sessionId: "s-1" });
});

/** 256 bytes leave four bits of the last character unused, which a lenient decoder ignores. */
function otherSpelling(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1);
}

const [head, body, signature] = good.split(".") as [string, string, string];
const { sid: _, ...withoutSession } = claims;
const { exp: __, ...withoutEnd } = claims;

const attacks: [what: string, token: string, code: string][] = [
  ["empty text", "", "token.malformed"],
  ["no token at all", "hello", "token.malformed"],
  ["two parts", `${head}.${body}`, "token.malformed"],
  ["an empty signature", `${head}.${body}.`, "token.malformed"],
  ["four parts", `${good}.x`, "token.malformed"],
  ["a trailing dot", `${good}.`, "token.malformed"],
  ["five parts, as an encrypted token has", `${good}.x.y`, "token.malformed"],
  ["padding", `${good}=`, "token.malformed"],
  ["a line break", `${good}\n`, "token.malformed"],
  ["more than any token needs", `${head}.${body}${"A".repeat(3_000)}.${signature}`, "token.malformed"],
  ["a signature that is cut to the byte", good.slice(0, -6), "token.invalid"],
  ["a signature that is cut within a byte", `${good.slice(0, -6)}x`, "token.malformed"],
  ["a header that is no JSON", `${encode("{")}.${body}.${signature}`, "token.malformed"],
  ["a header that is a number", `${encode("5")}.${body}.${signature}`, "token.malformed"],
  ["a header that is a list", token([], claims), "token.invalid"],
  ["claims that are no JSON", token(header, "not json"), "token.invalid"],
  ["claims that are a list", token(header, []), "token.invalid"],
  ["another spelling of the signature", `${good.slice(0, -1)}${otherSpelling(good)}`, "token.malformed"],
  ["changed claims", `${head}.${encode({ ...claims, sub: "8" })}.${signature}`, "token.invalid"],
  ["a stranger's key", token(header, claims, stranger.privateKey), "token.invalid"],
  ["alg none", `${encode({ ...header, alg: "none" })}.${body}.${signature}`, "token.invalid"],
  ["alg None", `${encode({ ...header, alg: "None" })}.${body}.${signature}`, "token.invalid"],
  ["HMAC with the public key as its secret", hmacToken({ ...header, alg: "HS256" }, spki), "token.invalid"],
  ["HMAC that calls itself RS256", hmacToken(header, spki), "token.invalid"],
  ["another RSA algorithm", token({ ...header, alg: "RS512" }, claims), "token.invalid"],
  ["a PSS algorithm", token({ ...header, alg: "PS256" }, claims), "token.invalid"],
  ["another type", token({ ...header, typ: "JWT" }, claims), "token.invalid"],
  ["no type", token({ alg: "RS256", kid: "k1" }, claims), "token.invalid"],
  ["an unknown kid", token({ ...header, kid: "k2" }, claims), "token.invalid"],
  ["no kid", token({ alg: "RS256", typ: "at+jwt" }, claims), "token.invalid"],
  ["a kid that is a path", token({ ...header, kid: "../../dev/null" }, claims), "token.invalid"],
  [
    "a key that it brings along",
    token(
      { ...header, kid: "k2", jwk: createPublicKey(stranger.privateKey).export({ format: "jwk" }) },
      claims,
      stranger.privateKey,
    ),
    "token.invalid",
  ],
  [
    "a critical extension that nobody knows",
    token({ ...header, crit: ["x"], x: 1 }, claims),
    "token.invalid",
  ],
  [
    "a key that it brings along beside a good one",
    token({ ...header, jku: "https://evil" }, claims),
    "token.invalid",
  ],
  ["an audience among several", token(header, { ...claims, aud: ["sluice", "other"] }), "token.invalid"],
  ["a session without a name", token(header, { ...claims, sid: "" }), "token.invalid"],
  ["another issuer", token(header, { ...claims, iss: "evil" }), "token.invalid"],
  ["another audience", token(header, { ...claims, aud: "other" }), "token.invalid"],
  ["no session", token(header, withoutSession), "token.invalid"],
  ["a session that is a number", token(header, { ...claims, sid: 5 }), "token.invalid"],
  ["no end", token(header, withoutEnd), "token.invalid"],
  ["an end that is text", token(header, { ...claims, exp: "never" }), "token.invalid"],
  ["a subject that is no user", token(header, { ...claims, sub: "root" }), "token.invalid"],
  ["a subject of zero", token(header, { ...claims, sub: "0" }), "token.invalid"],
  ["not valid yet", token(header, { ...claims, nbf: now + 60 }), "token.invalid"],
  ["over since a minute", token(header, { ...claims, exp: now - 60 }), "token.expired"],
  ["over since the skew", token(header, { ...claims, exp: now - TOKEN_CLOCK_SKEW_SECONDS }), "token.expired"],
];

for (const [what, attack, code] of attacks) {
  test(`${what}: ${code}`, async () => {
    await assert.rejects(verify(attack), (error) => {
      assert(error instanceof Refusal, String(error));
      assert.equal(error.definition.code, code, String(error.details.cause ?? error.message));
      assert.match(error.details.headers?.["www-authenticate"] ?? "", /^Bearer/);
      return true;
    });
  });
}

test("a clock that runs a little differently does no harm", async () => {
  const late = token(header, { ...claims, exp: now - TOKEN_CLOCK_SKEW_SECONDS + 1 });
  assert.deepEqual(await verify(late), { id: 7, sessionId: "s-1" });
});
