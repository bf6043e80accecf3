/**
 * Every way in which a token can be wrong that we know of (RFC 7515, RFC 7519, RFC 8725), with what edge and origin
 * must both say. One table for both: edge/test/token-attacks.test.ts and the origin's access-tokens.test.ts.
 */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { COOKIE_ACCESS } from "../src/cookies.ts";
import { TOKEN_CLOCK_SKEW_SECONDS, TOKEN_LENGTH_MAX } from "../src/token-claims.ts";

export interface AttackSetting {
  /** Whose public half verifiers have, under that name. */
  readonly key: KeyObject;
  readonly kid: string;
  /** Another key that verifiers have. */
  readonly otherKey: KeyObject;
  readonly otherKid: string;
  /** Of a session that lives, of user 42. */
  readonly sessionId: string;
  /** What the verifier's clock shows when the token is put to it; a little earlier does no harm. */
  readonly nowS: number;
}

export interface Attack {
  readonly what: string;
  /** The `Authorization` fields of one request. */
  readonly authorizations: readonly string[];
  /** Its `Cookie` fields. */
  readonly cookies: readonly string[];
  readonly verdict: "passes" | "token.missing" | "token.malformed" | "token.invalid" | "token.expired";
}

type Row = readonly [what: string, token: string];

export function tokenAttacks(setting: AttackSetting): Attack[] {
  const make = minterFor(setting);
  const bearer = (verdict: Attack["verdict"], rows: readonly Row[]): Attack[] =>
    rows.map(([what, token]) => ({ what, authorizations: [`Bearer ${token}`], cookies: [], verdict }));
  return [
    ...bearer("passes", fine(make, setting)),
    ...bearer("token.malformed", misshapen(make)),
    ...bearer("token.invalid", [...wrongSignatures(make, setting), ...wrongHeaders(make, setting)]),
    ...bearer("token.invalid", wrongClaims(make, setting)),
    ...bearer("token.expired", [
      ["over since a minute", make.token({}, { exp: setting.nowS - 60 })],
      ["over since the skew", make.token({}, { exp: setting.nowS - TOKEN_CLOCK_SKEW_SECONDS })],
      ["over since 1970", make.token({}, { exp: 0 })],
    ]),
    ...wrongFields(make),
    ...inCookies(make),
  ];
}

interface Minter {
  readonly good: string;
  token(header: object, claims: object, key?: KeyObject): string;
  /** Of JSON as it stands, which may be none. */
  raw(header: string, payload: string, key?: KeyObject): string;
  readonly header: string;
  readonly payload: string;
}

function minterFor({ key, kid, sessionId, nowS }: AttackSetting): Minter {
  const header = { alg: "RS256", typ: "at+jwt", kid };
  const claims = { iss: "sluice", aud: "sluice", sub: "42", sid: sessionId, iat: nowS, exp: nowS + 600 };
  const raw = (head: string, payload: string, by = key) => signed(`${encode(head)}.${encode(payload)}`, by);
  const token = (head: object, body: object, by = key) =>
    raw(JSON.stringify({ ...header, ...head }), JSON.stringify({ ...claims, ...body }), by);
  return {
    good: token({}, {}),
    token,
    raw,
    header: JSON.stringify(header),
    payload: JSON.stringify(claims),
  };
}

function fine(make: Minter, { otherKey, otherKid, nowS }: AttackSetting): Row[] {
  const room = TOKEN_LENGTH_MAX - make.token({}, { pad: "" }).length;
  return [
    ["nothing wrong", make.good],
    ["the other key, under its own name", make.token({ kid: otherKid }, {}, otherKey)],
    ["as long as can be", make.token({}, { pad: "x".repeat(Math.floor((room * 3) / 4) - 2) })],
    ["a claim that nobody knows", make.token({}, { roles: ["admin"] })],
    ["over, within the skew", make.token({}, { exp: nowS - 1 })],
    ["valid from now on", make.token({}, { nbf: nowS })],
    ["valid in a moment, within the skew", make.token({}, { nbf: nowS + TOKEN_CLOCK_SKEW_SECONDS })],
    [
      "one claim twice: the last counts (RFC 7519, 4)",
      make.raw(make.header, twice(make.payload, "sub", "7")),
    ],
    ["one header twice: the last counts", make.raw(twice(make.header, "alg", "none"), make.payload)],
  ];
}

function misshapen(make: Minter): Row[] {
  const [head, body, signature] = make.good.split(".") as [string, string, string];
  return [
    ["no token at all", "hello"],
    ["two parts", `${head}.${body}`],
    ["dots only", ".."],
    ["an empty header", `.${body}.${signature}`],
    ["an empty payload, as a detached one has", `${head}..${signature}`],
    ["an empty signature", `${head}.${body}.`],
    ["four parts", `${make.good}.x`],
    ["a dot at the end", `${make.good}.`],
    ["a dot at the beginning", `.${make.good}`],
    ["five parts, as an encrypted token has", `${make.good}.x.y`],
    ["JSON serialization", JSON.stringify({ payload: body, protected: head, signature })],
    ["padding", `${make.good}=`],
    ["padding of the header", `${head}=.${body}.${signature}`],
    ["the other base64 alphabet", `${head}.${body}.${"+/".repeat(171)}`],
    ["a space inside", `${head}.${body}. ${signature}`],
    ["another spelling of the signature", `${make.good.slice(0, -1)}${otherSpelling(make.good)}`],
    ["a signature that is cut within a byte", `${make.good.slice(0, -6)}x`],
    ["longer than any of ours", make.token({}, { pad: "x".repeat(TOKEN_LENGTH_MAX) })],
    ["far too long", `${head}.${"A".repeat(6_000)}.${signature}`],
    ["a header that is no JSON", `${encode("{")}.${body}.${signature}`],
    ["a header that is a number", `${encode("5")}.${body}.${signature}`],
    ["a header that is null", `${encode("null")}.${body}.${signature}`],
    ["a header that is text", `${encode('"alg"')}.${body}.${signature}`],
    ["a header behind a byte order mark", `${encode(`\ufeff${make.header}`)}.${body}.${signature}`],
    ["a header with a comma too many", `${encode(make.header.replace("}", ",}"))}.${body}.${signature}`],
    ["a header with bytes that are no text", `${encode("\u0000")}.${body}.${signature}`],
    ["two tokens in one field", `${make.good}, Bearer ${make.good}`],
    ["two tokens behind one scheme", `${make.good} ${make.good}`],
    ["something behind the token", `${make.good};q=1`],
    ["two spaces before it", ` ${make.good}`],
  ];
}

function wrongSignatures(make: Minter, setting: AttackSetting): Row[] {
  const { key, otherKey, otherKid } = setting;
  const [head, body, signature] = make.good.split(".") as [string, string, string];
  const spki = createPublicKey(key).export({ type: "spki", format: "pem" });
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const headOf = (alg: string) => encode(make.header.replace("RS256", alg));
  const hmac = (alg: string, secret: string | Buffer) =>
    `${headOf(alg)}.${body}.${createHmac("sha256", secret)
      .update(`${headOf(alg)}.${body}`)
      .digest("base64url")}`;
  const bytes = Buffer.from(signature, "base64url");
  const withSignature = (other: Buffer) => `${head}.${body}.${other.toString("base64url")}`;
  return [
    ["changed claims", `${head}.${encode(make.payload.replace('"42"', '"1"'))}.${signature}`],
    ["a changed header", `${headOf("RS512")}.${body}.${signature}`],
    [
      "one bit of the signature",
      withSignature(Buffer.concat([bytes.subarray(0, 255), Buffer.of((bytes[255] as number) ^ 1)])),
    ],
    ["a signature without its last byte", withSignature(bytes.subarray(0, 255))],
    ["a signature with a byte more", withSignature(Buffer.concat([bytes, Buffer.of(0)]))],
    ["a signature with a zero before it", withSignature(Buffer.concat([Buffer.of(0), bytes]))],
    ["a signature of zeros", withSignature(Buffer.alloc(256))],
    ["a signature beyond the modulus", withSignature(Buffer.alloc(256, 0xff))],
    ["a signature of one byte", withSignature(Buffer.of(1))],
    ["a stranger's key", make.token({}, {}, stranger)],
    ["a key of ours under the name of another", make.token({ kid: otherKid }, {}, key)],
    ["the other way round", make.token({}, {}, otherKey)],
    ["alg none with our signature", `${headOf("none")}.${body}.${signature}`],
    ["alg NONE", make.token({ alg: "NONE" }, {})],
    ["alg none, signed by nobody", `${headOf("none")}.${body}.AA`],
    ["the public key as an HMAC secret, PEM", hmac("HS256", spki)],
    ["the public key as an HMAC secret, DER", hmac("HS256", der)],
    ["HMAC that calls itself RS256", hmac("RS256", spki)],
    ["an empty HMAC secret", hmac("HS256", "")],
    ["an elliptic curve", make.token({ alg: "ES256" }, {})],
    ["RS512, well signed", signed(`${headOf("RS512")}.${body}`, key, "sha512")],
    ["PS256", make.token({ alg: "PS256" }, {})],
    ["EdDSA", make.token({ alg: "EdDSA" }, {})],
    ["a payload that nobody can read", `${head}.${"!".repeat(40)}.${signature}`],
  ];
}

function wrongHeaders(make: Minter, { key, kid }: AttackSetting): Row[] {
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = stranger.publicKey.export({ format: "jwk" });
  const own = createPublicKey(key).export({ format: "jwk" });
  return [
    ["alg in lower case", make.token({ alg: "rs256" }, {})],
    ["no alg", make.token({ alg: undefined }, {})],
    ["alg that is a list", make.token({ alg: ["RS256"] }, {})],
    ["another type", make.token({ typ: "JWT" }, {})],
    ["our type in full", make.token({ typ: "application/at+jwt" }, {})],
    ["our type in capitals", make.token({ typ: "AT+JWT" }, {})],
    ["no type", make.token({ typ: undefined }, {})],
    ["no kid", make.token({ kid: undefined }, {})],
    ["an unknown kid", make.token({ kid: "nobody" }, {})],
    ["an empty kid", make.token({ kid: "" }, {})],
    ["a kid that is a number", make.token({ kid: 1 }, {})],
    ["a kid that is a list", make.token({ kid: [kid] }, {})],
    ["a kid that is an object", make.token({ kid: { kid } }, {})],
    ["a kid that is null", make.token({ kid: null }, {})],
    ["a kid that is a path", make.token({ kid: "../../../../dev/null" }, {})],
    ["a kid that is SQL", make.token({ kid: "x' UNION SELECT 'k" }, {})],
    ["a kid that is a command", make.token({ kid: "|id" }, {})],
    ["a kid that is an address", make.token({ kid: "https://evil.example/k.pem" }, {})],
    ["a kid of the prototype", make.token({ kid: "__proto__" }, {})],
    ["a kid with a zero byte", make.token({ kid: `${kid}\u0000` }, {})],
    ["crit that nobody knows", make.token({ crit: ["x"], x: 1 }, {})],
    ["an empty crit", make.token({ crit: [] }, {})],
    ["crit that is null", make.token({ crit: null }, {})],
    ["crit b64", make.token({ crit: ["b64"], b64: false }, {})],
    ["b64 without crit", make.token({ b64: false }, {})],
    ["a stranger's key that it brings along", make.token({ jwk, kid: "x" }, {}, stranger.privateKey)],
    ["a stranger's key under our kid", make.token({ jwk }, {}, stranger.privateKey)],
    ["our own key that it brings along", make.token({ jwk: own }, {})],
    ["jku", make.token({ jku: "https://evil.example/jwks.json" }, {})],
    ["x5u", make.token({ x5u: "https://evil.example/cert.pem" }, {})],
    ["x5c", make.token({ x5c: ["MIIB"] }, {})],
    ["x5t", make.token({ x5t: "AAAA" }, {})],
    ["zip", make.token({ zip: "DEF" }, {})],
    ["cty, as a token in a token has", make.token({ cty: "JWT" }, {})],
    ["enc", make.token({ enc: "A256GCM" }, {})],
    ["a header that is a list", make.raw("[]", make.payload)],
    ["a prototype in the header", make.raw(make.header.replace("{", '{"__proto__":{},'), make.payload)],
  ];
}

function wrongClaims(make: Minter, { nowS }: AttackSetting): Row[] {
  const claim = (name: string, values: readonly unknown[]): Row[] =>
    values.map((value) => [`${name}: ${JSON.stringify(value) ?? "none"}`, make.token({}, { [name]: value })]);
  const payload = (text: string) => make.raw(make.header, text);
  const endsAs = (text: string) => payload(make.payload.replace(/"exp":\d+/, `"exp":${text}`));
  return [
    ...claim("iss", [undefined, null, "", "evil", "sluice/", "Sluice", ["sluice"], { iss: "sluice" }, true]),
    ...claim("aud", [undefined, null, "", "shop", ["sluice"], ["sluice", "shop"], {}]),
    ...claim("sub", [
      undefined,
      null,
      "",
      42,
      "0",
      "042",
      "-1",
      "4.2",
      "1e3",
      "0x2a",
      " 42",
      "42 ",
      "42\u0000",
    ]),
    ...claim("sub", ["root", "٤٢", "1".repeat(16), ["42"], true]),
    ...claim("sid", [undefined, null, "", 5, ["s"], {}, true]),
    ...claim("exp", [
      undefined,
      null,
      "never",
      String(nowS + 600),
      -1,
      nowS + 600.5,
      [nowS + 600],
      true,
      1e16,
    ]),
    ...claim("iat", [null, "now", String(nowS), nowS + 0.5, -1, {}]),
    ...claim("nbf", [nowS + 60, nowS + 31_536_000, null, "now", String(nowS), nowS + 0.5, {}]),
    ["an end that is infinite", endsAs("1e999")],
    ["an end that is Infinity", endsAs("Infinity")],
    ["an end that is NaN", endsAs("NaN")],
    ["an end in hexadecimal", endsAs("0x7fffffff")],
    ["claims that are no JSON", payload("not json")],
    ["claims that are empty", payload("{}")],
    ["claims that are a list", payload("[]")],
    ["claims that are a list of claims", payload(`[${make.payload}]`)],
    ["claims that are text", payload('"sub"')],
    ["claims that are null", payload("null")],
    ["claims behind a byte order mark", payload(`\ufeff${make.payload}`)],
    ["claims with something behind them", payload(`${make.payload} x`)],
    ["claims in single quotes", payload(make.payload.replaceAll('"', "'"))],
    ["over and of another issuer", make.token({}, { iss: "evil", exp: nowS - 60 })],
    ["a token of a refresh", make.token({}, { sid: undefined, token_use: "refresh" })],
  ];
}

function wrongFields({ good }: Minter): Attack[] {
  const rows: [what: string, fields: string[], verdict: Attack["verdict"]][] = [
    ["no field", [], "token.missing"],
    ["an empty field", [""], "token.malformed"],
    ["the scheme alone", ["Bearer"], "token.missing"],
    ["the token alone", [good], "token.missing"],
    ["another scheme", [`Basic ${good}`], "token.missing"],
    ["a scheme that begins like ours", [`Bearers ${good}`], "token.missing"],
    ["a tab for the space", [`Bearer\t${good}`], "token.missing"],
    ["a quoted token", [`Bearer "${good}"`], "token.malformed"],
    ["a parameter", [`Bearer token=${good}`], "token.malformed"],
    ["our scheme in capitals", [`BEARER ${good}`], "passes"],
    ["our scheme in small letters", [`bearer ${good}`], "passes"],
    ["spaces behind the token", [`Bearer ${good}  `], "passes"],
    ["two fields, the same token", [`Bearer ${good}`, `Bearer ${good}`], "token.malformed"],
    ["two fields, one of them another scheme", [`Bearer ${good}`, "Basic YTpi"], "token.malformed"],
    ["two fields, the first empty", ["", `Bearer ${good}`], "token.malformed"],
  ];
  return rows.map(([what, authorizations, verdict]) => ({ what, authorizations, cookies: [], verdict }));
}

/** A browser's token is one of its cookies. */
function inCookies({ good }: Minter): Attack[] {
  const pair = `${COOKIE_ACCESS}=${good}`;
  const bearer = `Bearer ${good}`;
  const rows: [what: string, cookies: string[], verdict: Attack["verdict"], authorizations?: string[]][] = [
    ["a cookie", [pair], "passes"],
    ["a cookie behind another", [`theme=dark; ${pair}`], "passes"],
    ["a cookie before another", [`${pair}; lang=zh`], "passes"],
    ["a cookie without spaces around it", [`a=1;${pair};b=2`], "passes"],
    ["a cookie with too much white space", [`a=1; \t ${pair} \t; b=2`], "passes"],
    ["a cookie with spaces before its value", [`${COOKIE_ACCESS}=  ${good}`], "passes"],
    ["a cookie behind quotes that mean nothing", [`a="; b=1"; ${pair}`], "passes"],
    ["a cookie behind one that has it in its name", [`x${pair}; ${pair}`], "passes"],
    ["a cookie beside the refresh token's", [`__Host-sluice-refresh=x; ${pair}`], "passes"],
    ["a cookie in the second field", ["theme=dark", pair], "passes"],
    ["cookies of which none is it", ["theme=dark"], "token.missing"],
    ["a cookie with a longer name", [`x${pair}`], "token.missing"],
    ["a cookie with a name in capitals", [pair.replace("sluice", "SLUICE")], "token.missing"],
    ["a cookie within another's value", [`a=1 ${pair}`], "token.missing"],
    ["a cookie whose name ends in a space", [pair.replace("=", " =")], "token.missing"],
    ["a cookie without a value", [`${COOKIE_ACCESS}=`], "token.malformed"],
    ["a cookie with white space for a value", [`${COOKIE_ACCESS}= ; a=1`], "token.malformed"],
    ["a cookie with the scheme", [`${COOKIE_ACCESS}=${bearer}`], "token.malformed"],
    ["a cookie in quotes", [`${COOKIE_ACCESS}="${good}"`], "token.malformed"],
    ["a cookie with something behind the token", [`${pair} x`], "token.malformed"],
    ["a cookie that is cut", [pair.slice(0, -6)], "token.invalid"],
    ["a cookie that is far too long", [`${pair}${"A".repeat(TOKEN_LENGTH_MAX)}`], "token.malformed"],
    ["two cookies", [`${pair}; ${pair}`], "token.malformed"],
    ["two cookies, the first empty", [`${COOKIE_ACCESS}=; ${pair}`], "token.malformed"],
    ["two cookies in two fields", [pair, pair], "token.malformed"],
    ["a cookie and a bearer token", [pair], "token.malformed", [bearer]],
    ["a cookie behind a tab and a bearer token", [`a=1;\t${pair}`], "token.malformed", [bearer]],
    ["a cookie without a value and a bearer token", [`${COOKIE_ACCESS}=`], "token.malformed", [bearer]],
    ["a cookie and another scheme", [pair], "token.malformed", ["Basic YTpi"]],
    ["a cookie and an empty field", [pair], "token.malformed", [""]],
    ["another cookie and a bearer token", ["theme=dark"], "passes", [bearer]],
  ];
  return rows.map(([what, cookies, verdict, authorizations = []]) => ({
    what,
    cookies,
    authorizations,
    verdict,
  }));
}

function signed(input: string, key: KeyObject, digest = "sha256"): string {
  return `${input}.${sign(digest, Buffer.from(input), key).toString("base64url")}`;
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** The member once more, before the one that is there. */
function twice(json: string, name: string, value: string): string {
  return json.replace("{", `{"${name}":"${value}",`);
}

/** 256 bytes leave four bits of the last character unused, which a lenient decoder ignores. */
function otherSpelling(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
}
