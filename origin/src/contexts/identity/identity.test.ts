import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { changesKey, sessionKey } from "@sluice/contract/keys.ts";
import { Redis } from "ioredis";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { startApiProcess } from "../../../test/start-process.ts";
import { openProxy } from "../../../test/tcp-proxy.ts";
import { until } from "../../../test/until.ts";
import { newUuid } from "../../kernel/ids.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { toSqlTime } from "../../platform/mysql/time.ts";
import { forgetLimits, forgetSessions } from "./application/forget-sessions.ts";
import { refreshLeewayMs } from "./application/refresh.ts";
import { sessionsIn } from "./infrastructure/sessions.ts";

let nowMs = Date.now();
const logged: string[] = [];
const logTo = { write: (line: string) => logged.push(line) } as unknown as NodeJS.WritableStream;
const services = await createTestPlace();
const api = await startTestApi(
  services,
  { clock: () => nowMs, logTo, passwordCost: { ln: 12, r: 8, p: 3 } },
  { LOG_LEVEL: "trace" },
);
const sql = await createConnection(services.mysqlUrl);
const redis = new Redis(services.redisUrl);

after(async () => {
  redis.disconnect();
  await sql.end();
  await api.close();
  await services.close();
});

const password = "correct horse battery staple";
let people = 0;

async function newcomer() {
  people += 1;
  const username = `person-${people}`;
  const answer = await api.call("POST", "/auth/register", { username, password });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return { username, sessionId: claimsOf(answer.body.accessToken).sid, ...answer.body };
}

function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split(".")[1] as string, "base64url").toString());
}

const refresh = (refreshToken: string) => api.call("POST", "/auth/refresh", { refreshToken });

test("a registered person logs in, whatever the case of the name, and gets two tokens", async () => {
  const person = await newcomer();
  const login = await api.call("POST", "/auth/login", { username: person.username.toUpperCase(), password });
  assert.equal(login.status, 200);
  assert.deepEqual(login.body.user, person.user);
  assert.equal(login.body.expiresIn, 600);
  assert.equal(login.headers.get("cache-control"), "no-store");
  const claims = claimsOf(login.body.accessToken);
  assert.equal(claims.sub, String(person.user.id));
  assert.equal(claims.exp - claims.iat, 600);
  assert.notEqual(claims.sid, person.sessionId, "each login is a session of its own");
});

test("the session is known in Redis when the answer arrives, and told to the change stream", async () => {
  const { sessionId, user } = await newcomer();
  const entry = await redis.hgetall(sessionKey(services.redisPrefix, sessionId));
  assert.equal(entry.v, "1");
  assert.equal(JSON.parse(entry.d ?? "").userId, user.id);
  const [[, fields]] = (await redis.xrevrange(changesKey(services.redisPrefix), "+", "-", "COUNT", 1)) as [
    [string, string[]],
  ];
  assert.deepEqual(fields, ["k", "session", "id", sessionId, "v", "1"]);
});

test("a wrong password, an unknown person and a taken name", async () => {
  const { username } = await newcomer();
  const wrong = await api.call("POST", "/auth/login", { username, password: "not it" });
  const unknown = await api.call("POST", "/auth/login", { username: "nobody-at-all", password });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.body.code, "auth.invalid_credentials");
  assert.deepEqual({ ...unknown.body, requestId: "" }, { ...wrong.body, requestId: "" });
  const taken = await api.call("POST", "/auth/register", { username: username.toUpperCase(), password });
  assert.equal(taken.status, 409);
  assert.equal(taken.body.code, "auth.username_taken");
});

test("a name that nobody can have is nobody's, also when the database would take it for somebody's", async () => {
  const { username } = await newcomer();
  const unknown = await api.call("POST", "/auth/login", { username: "nobody-at-all", password });
  const fullWidth = username.replaceAll("e", "ｅ");
  for (const name of [
    "dèmo",
    "😀",
    "\ud800",
    fullWidth,
    `${username} `,
    `${username}\0`,
    "%",
    "",
    "' OR 1=1 --",
  ]) {
    const refused = await api.call("POST", "/auth/login", { username: name, password });
    assert.equal(refused.status, 401, JSON.stringify(name));
    assert.deepEqual({ ...refused.body, requestId: "" }, { ...unknown.body, requestId: "" });
  }
});

test("a name that nobody can have costs as much as one that nobody has", async () => {
  const login = async (name: string) => {
    const startedAt = process.cpuUsage();
    await api.call("POST", "/auth/login", { username: name, password });
    const { user, system } = process.cpuUsage(startedAt);
    return user + system;
  };
  const [unknown, impossible] = [await login("nobody-at-all"), await login("dèmo")];
  assert(impossible > unknown / 3, `${impossible} µs against ${unknown} µs: a password was not checked`);
});

for (const credentials of [
  { username: "ab", password },
  { username: "-starts-badly", password },
  { username: "a".repeat(33), password },
  { username: "fine", password: "short" },
  { username: "fine", password: "x".repeat(129) },
  { username: 7, password },
  { username: "fine", password, admin: true },
]) {
  test(`registering with ${JSON.stringify(credentials).slice(0, 60)} is refused and writes nothing`, async () => {
    const [before] = await sql.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM users");
    const answer = await api.call("POST", "/auth/register", credentials);
    assert.equal(answer.status, 400);
    assert.equal(answer.body.code, "validation.failed");
    const [rows] = await sql.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM users");
    assert.deepEqual(rows, before);
  });
}

test("fifty refreshes at once give one successor, and it works", async () => {
  const { refreshToken, sessionId } = await newcomer();
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refreshToken)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const successors = [...new Set(answers.map(({ body }) => body.refreshToken))];
  assert.equal(successors.length, 1);
  assert.notEqual(successors[0], refreshToken);
  const [rows] = await sql.query<RowDataPacket[]>("SELECT used_at FROM refresh_tokens WHERE session_id = ?", [
    sessionId,
  ]);
  assert.equal(rows.length, 2);
  assert.equal(
    rows.filter(({ used_at }) => used_at === null).length,
    1,
    "one of the family can still be used",
  );
  assert.equal((await refresh(successors[0] as string)).status, 200);
});

test("an api that is killed between the commit of a refresh and its answer costs the client nothing", async () => {
  await using proxy = await openProxy(services.mysqlUrl);
  const behindProxy = new URL(services.mysqlUrl);
  behindProxy.port = String(proxy.port);
  const [victim, other] = await Promise.all([
    startApiProcess({ ...api.environment, MYSQL_URL: behindProxy.href }),
    startApiProcess(api.environment),
  ]);
  try {
    const ask = (url: string, path: string, body: object) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const joined = await ask(victim.url, "/auth/register", { username: "unlucky", password });
    const { refreshToken, accessToken } = (await joined.json()) as Record<string, string>;
    const sessionId = claimsOf(accessToken ?? "").sid;
    const committed = proxy.withholdAnswersTo("COMMIT");
    const lost = assert.rejects(ask(victim.url, "/auth/refresh", { refreshToken }));
    await committed;
    const tokensOf = async () => {
      const [rows] = await sql.query<RowDataPacket[]>(
        "SELECT used_at FROM refresh_tokens WHERE session_id = ? ORDER BY used_at IS NULL",
        [sessionId],
      );
      return rows.map(({ used_at }) => (used_at === null ? "good" : "used"));
    };
    await until("the trade is committed", async () => (await tokensOf()).length === 2);
    victim.kill("SIGKILL");
    await lost;
    const again = await ask(other.url, "/auth/refresh", { refreshToken });
    assert.equal(again.status, 200);
    assert.deepEqual(await tokensOf(), ["used", "good"], "the repeated trade is the one that was made");
    const { refreshToken: successor } = (await again.json()) as Record<string, string>;
    assert.equal((await ask(other.url, "/auth/refresh", { refreshToken: successor })).status, 200);
    assert.deepEqual(await tokensOf(), ["used", "used", "good"]);
  } finally {
    await Promise.all([victim.close(), other.close()]);
  }
});

test("a token that is repeated after the leeway ends its session for everybody", async () => {
  const { refreshToken, sessionId } = await newcomer();
  const successor = (await refresh(refreshToken)).body.refreshToken;
  nowMs += refreshLeewayMs;
  assert.equal(
    (await refresh(refreshToken)).body.refreshToken,
    successor,
    "the leeway includes its last moment",
  );
  nowMs += 1;
  const reused = await refresh(refreshToken);
  assert.equal(reused.status, 401);
  assert.equal(reused.body.code, "auth.refresh_reused");
  assert.equal((await refresh(successor)).body.code, "session.revoked");
  assert.deepEqual(await redis.hgetall(sessionKey(services.redisPrefix, sessionId)), { v: "2" });
});

test("logging out ends the session at once, and again does no harm", async () => {
  const { refreshToken, sessionId } = await newcomer();
  for (const attempt of [1, 2]) {
    const answer = await api.call("POST", "/auth/logout", { refreshToken });
    assert.equal(answer.status, 204, `attempt ${attempt}`);
  }
  assert.deepEqual(await redis.hgetall(sessionKey(services.redisPrefix, sessionId)), { v: "2" });
  assert.equal((await refresh(refreshToken)).body.code, "session.revoked");
  assert.equal((await api.call("POST", "/auth/logout", { refreshToken: "unknown" })).status, 204);
});

test("a refresh token of nobody's is refused", async () => {
  for (const token of ["x", "A".repeat(43), "😀", "%00"]) {
    assert.equal((await refresh(token)).body.code, "auth.refresh_invalid");
  }
});

test("a session ends by itself", async () => {
  const { refreshToken } = await newcomer();
  nowMs += 2_592_000_000;
  assert.equal((await refresh(refreshToken)).body.code, "session.revoked");
});

test("what ended long ago is forgotten with its tokens, and nothing else", async () => {
  const [old, young] = [await newcomer(), await newcomer()];
  await sql.query("UPDATE sessions SET expires_at = ? WHERE id = ?", [
    toSqlTime(nowMs - forgetLimits.keptMs - 1),
    old.sessionId,
  ]);
  const place = openDatabase(services.mysqlUrl);
  try {
    assert.equal(await forgetSessions(sessionsIn(place, newUuid), () => nowMs), 1);
    const left = async (table: string, column: string, id: string) =>
      (await sql.query<RowDataPacket[]>(`SELECT 1 FROM ${table} WHERE ${column} = ?`, [id]))[0].length;
    assert.equal(await left("sessions", "id", old.sessionId), 0);
    assert.equal(await left("refresh_tokens", "session_id", old.sessionId), 0);
    assert.equal(await left("refresh_tokens", "session_id", young.sessionId), 1);
  } finally {
    await place.close();
  }
});

test("an operator revokes one session, or all of a user", async () => {
  const person = await newcomer();
  const second = (await api.call("POST", "/auth/login", { username: person.username, password })).body;
  const third = (await api.call("POST", "/auth/login", { username: person.username, password })).body;
  const one = await api.operator("POST", "/sessions/revoke", { sessionId: person.sessionId });
  assert.deepEqual(one.body, { revoked: 1 });
  assert.equal((await refresh(second.refreshToken)).status, 200);
  const all = await api.operator("POST", "/sessions/revoke", { userId: person.user.id });
  assert.deepEqual(all.body, { revoked: 2 });
  assert.equal((await refresh(third.refreshToken)).body.code, "session.revoked");
  assert.deepEqual((await api.operator("POST", "/sessions/revoke", { userId: person.user.id })).body, {
    revoked: 0,
  });
});

test("what is no id of a session is refused as a fault of the request", async () => {
  for (const sessionId of ["é".repeat(36), "x".repeat(36), "", "😀"]) {
    const answer = await api.operator("POST", "/sessions/revoke", { sessionId });
    assert.deepEqual([answer.status, answer.body.code], [400, "validation.failed"], sessionId);
  }
});

test("the operators' listener refuses everybody without its token", async () => {
  const { accessToken } = await newcomer();
  for (const authorization of ["", "Bearer", "Bearer x", `Bearer ${accessToken}`, `Basic ${api.opsToken}`]) {
    const answer = await api.operator("POST", "/sessions/revoke", { userId: 1 }, { authorization });
    assert.equal(answer.status, 401, authorization);
    assert.equal(answer.body.code, "operator.unauthorized");
  }
  const elsewhere = await api.call(
    "POST",
    "/sessions/revoke",
    { userId: 1 },
    { authorization: `Bearer ${api.opsToken}` },
  );
  assert.equal(elsewhere.status, 404, "the public listener has no such route");
});

test("a user route tells why a token does not do, and takes one token only", async () => {
  const { accessToken, sessionId } = await newcomer();
  const code = async (authorization: string[]) => {
    const asked = request(`${api.url}/orders`, {
      headers: { authorization } as unknown as Record<string, string>,
    });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    const body = JSON.parse(await text(answer));
    if (answer.statusCode === 401) assert.match(answer.headers["www-authenticate"] ?? "", /^Bearer realm=/);
    return answer.statusCode === 200 ? "passed" : body.code;
  };
  assert.equal(await code([`Bearer ${accessToken}`]), "passed");
  assert.equal(await code([`bearer ${accessToken}`]), "passed");
  assert.equal(await code([]), "token.missing");
  assert.equal(await code(["Basic abc"]), "token.missing");
  assert.equal(await code([accessToken]), "token.missing");
  assert.equal(await code([""]), "token.malformed");
  assert.equal(await code(["Bearer "]), "token.missing");
  assert.equal(await code([`Bearer  ${accessToken}`]), "token.malformed");
  assert.equal(await code([`Bearer ${accessToken}, Bearer ${accessToken}`]), "token.malformed");
  assert.equal(await code([`Bearer ${accessToken}`, `Bearer ${accessToken}`]), "token.malformed");
  assert.equal(await code([`Bearer ${api.opsToken}`]), "token.malformed");
  assert.equal(await code([`Bearer ${sessionId}`]), "token.malformed");
  nowMs += 605_000;
  assert.equal(await code([`Bearer ${accessToken}`]), "token.expired");
});

test("the public keys are served without the private one", async () => {
  const { body } = await api.call("GET", "/.well-known/jwks.json");
  assert.equal(body.keys.length, 1);
  assert.deepEqual(Object.keys(body.keys[0]).sort(), ["alg", "e", "kid", "kty", "n", "use"]);
});

test("no password and no token is in the database in the clear, nor ever in the log", async () => {
  const person = await newcomer();
  await refresh(person.refreshToken);
  await refresh(`${person.refreshToken}x`);
  await api.call("POST", "/auth/login", { username: person.username, password: `${password}-wrong` });
  await api.call("POST", "/auth/login", `{"password":"${password}"`);
  await api.call("POST", `/auth/login?password=${encodeURIComponent(password)}`, {});
  assert(logged.length > 100, "the log of this whole file is looked at");
  const log = logged.join("");
  const [users] = await sql.query<RowDataPacket[]>("SELECT * FROM users WHERE id = ?", [person.user.id]);
  const [tokens] = await sql.query<RowDataPacket[]>("SELECT * FROM refresh_tokens WHERE session_id = ?", [
    person.sessionId,
  ]);
  await until("the trail is written", async () => {
    const kinds = (await api.operator("GET", "/audit?limit=2")).body.entries.map(
      ({ kind }: { kind: string }) => kind,
    );
    return kinds.includes("sign_in_refused");
  });
  const [trail] = await sql.query<RowDataPacket[]>("SELECT * FROM identity_trail");
  const stored =
    JSON.stringify([users, trail]) + tokens.map(({ token_hash }) => token_hash.toString("latin1")).join();
  for (const secret of [
    password,
    encodeURIComponent(password),
    person.refreshToken,
    person.accessToken,
    api.opsToken,
  ]) {
    assert.equal(log.includes(secret), false);
    assert.equal(stored.includes(secret), false);
  }
  assert.equal(
    tokens.some(({ token_hash }) =>
      token_hash.equals(createHash("sha256").update(person.refreshToken).digest()),
    ),
    true,
  );
});
