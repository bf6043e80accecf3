import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sessionKey } from "@sluice/contract/keys.ts";
import { Redis } from "ioredis";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { until } from "../../../test/until.ts";
import { createLogger } from "../../platform/logger.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { forgetTrail } from "./application/forget-sessions.ts";
import { refreshLeewayMs } from "./application/refresh.ts";
import { trailLimits } from "./application/trail.ts";
import { trailIn, writeTrail } from "./infrastructure/trail.ts";

let nowMs = Date.now();
const idleSeconds = 3_600;
const services = await createTestPlace();
const api = await startTestApi(
  services,
  { clock: () => nowMs },
  { REFRESH_TOKEN_IDLE_SECONDS: String(idleSeconds) },
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
const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const iPhone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
/** As the edge would pass it on. */
const from = (address: string, country: string, userAgent = firefox) => ({
  "x-sluice-client-address": address,
  "x-sluice-country": country,
  "user-agent": userAgent,
});
const atHome = from("198.51.100.7", "DE");
const abroad = from("2001:db8::9", "FR", iPhone);

interface Signed {
  userId: number;
  sessionId: string;
  accessToken: string;
  refreshToken: string;
}

let people = 0;

async function join(headers = atHome): Promise<Signed & { username: string }> {
  people += 1;
  const username = `guest-${people}`;
  const answer = await api.call("POST", "/auth/register", { username, password }, headers);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return { username, ...signed(answer.body) };
}

async function logIn(username: string, headers: Record<string, string>): Promise<Signed> {
  return signed((await api.call("POST", "/auth/login", { username, password }, headers)).body);
}

function signed(body: { accessToken: string; refreshToken: string; user: { id: number } }): Signed {
  const { sid } = JSON.parse(Buffer.from(body.accessToken.split(".")[1] ?? "", "base64url").toString());
  const { accessToken, refreshToken } = body;
  return { userId: body.user.id, sessionId: sid, accessToken, refreshToken };
}

const as = (who: Signed) => ({ authorization: `Bearer ${who.accessToken}`, ...atHome });
const list = async (who: Signed) =>
  (await api.call("GET", "/auth/sessions", undefined, as(who))).body.sessions;
const refresh = (refreshToken: string, headers: Record<string, string> = atHome) =>
  api.call("POST", "/auth/refresh", { refreshToken }, headers);

/** Events are written a moment after the answer. */
async function trail(query: string, count: number) {
  return until(`${count} of the trail with ${query}`, async () => {
    const { entries } = (await api.operator("GET", `/audit?${query}`)).body;
    return entries.length >= count && entries;
  });
}

test("people see their own sessions, by device, place and last use, and which one they are in", async () => {
  const home = await join();
  const away = await logIn(home.username, abroad);
  await join();
  nowMs += 60_000;
  const moved = from("203.0.113.5", "NL");
  assert.equal((await refresh(home.refreshToken, moved)).status, 200);
  const sessions = await list(away);
  assert.deepEqual(
    sessions.map(({ id, current, device, address, country }: Record<string, unknown>) => ({
      id,
      current,
      device,
      address,
      country,
    })),
    [
      {
        id: home.sessionId,
        current: false,
        device: "Firefox on Windows",
        address: "203.0.113.5",
        country: "NL",
      },
      {
        id: away.sessionId,
        current: true,
        device: "Safari on iPhone",
        address: "2001:db8::9",
        country: "FR",
      },
    ],
  );
  assert.equal(Date.parse(sessions[0].lastUsedAt) - Date.parse(sessions[0].createdAt), 60_000);
  const [old] = await sql.query<RowDataPacket[]>(
    "SELECT address, user_agent FROM refresh_tokens WHERE session_id = ? AND used_at IS NOT NULL",
    [home.sessionId],
  );
  assert.deepEqual(old, [{ address: "", user_agent: "" }], "a used token knows nobody's place");
});

test("what the headers say is stored as far as it can be, and never refused", async () => {
  const strange = await join(from("<script>", "germany", "ÿ".repeat(2_000)));
  const [session] = await list(strange);
  assert.match(session.address, /^(::ffff:)?127\.0\.0\.1$/, "the peer's, when the edge's is none");
  assert.equal(session.country, "ZZ");
  assert.equal(session.userAgent.length, 255);
  assert.equal(session.device, "");
});

test("one of them is ended, in Redis at once; another person's and an unknown one are not found", async () => {
  const home = await join();
  const away = await logIn(home.username, abroad);
  const stranger = await join();
  const end = (who: Signed, id: string) => api.call("DELETE", `/auth/sessions/${id}`, undefined, as(who));
  for (const id of [home.sessionId, "01890000-0000-7000-8000-000000000000"]) {
    assert.equal((await end(stranger, id)).body.code, "session.unknown", id);
  }
  assert.equal((await end(stranger, "not-an-id")).status, 400);
  assert.equal((await end(home, away.sessionId)).status, 204);
  assert.equal((await end(home, away.sessionId)).body.code, "session.unknown", "the second time");
  assert.deepEqual(await redis.hgetall(sessionKey(services.redisPrefix, away.sessionId)), { v: "2" });
  assert.equal((await refresh(away.refreshToken)).body.code, "session.revoked");
  assert.deepEqual(
    (await list(home)).map(({ id }: { id: string }) => id),
    [home.sessionId],
  );
  const [entry] = await trail(`sessionId=${away.sessionId}&kind=session_ended`, 1);
  assert.equal(entry.userId, home.userId);
});

test("all others are ended, the one in use stays", async () => {
  const home = await join();
  const others = [await logIn(home.username, abroad), await logIn(home.username, atHome)];
  const answer = await api.call("DELETE", "/auth/sessions", undefined, as(home));
  assert.deepEqual(answer.body, { ended: 2 });
  for (const other of others) assert.equal((await refresh(other.refreshToken)).status, 401);
  assert.equal((await refresh(home.refreshToken)).status, 200);
  assert.deepEqual((await api.call("DELETE", "/auth/sessions", undefined, as(home))).body, { ended: 0 });
});

test("what nobody refreshes for too long is over, and is listed no more", async () => {
  const home = await join();
  nowMs += (idleSeconds - 1) * 1_000;
  const refreshed = await refresh(home.refreshToken);
  assert.equal(refreshed.status, 200, "a second before");
  nowMs += idleSeconds * 1_000;
  const late = await refresh(refreshed.body.refreshToken);
  assert.deepEqual([late.status, late.body.code], [401, "auth.refresh_invalid"]);
  const fresh = await logIn(home.username, atHome);
  assert.deepEqual(
    (await list(fresh)).map(({ id }: { id: string }) => id),
    [fresh.sessionId],
  );
});

test("reuse after the leeway alerts, once, in the transaction that ends the session", async () => {
  const home = await join();
  const successor = (await refresh(home.refreshToken)).body.refreshToken;
  nowMs += refreshLeewayMs + 1;
  const thieves = await Promise.all(Array.from({ length: 10 }, () => refresh(home.refreshToken, abroad)));
  assert.deepEqual(
    thieves.map(({ body }) => body.code).filter((code) => code === "auth.refresh_reused").length,
    1,
  );
  assert.equal((await refresh(successor)).body.code, "session.revoked");
  const [messages] = await sql.query<RowDataPacket[]>(
    "SELECT routing_key, payload FROM outbox WHERE exchange = 'identity.alerts' AND payload LIKE ?",
    [`%${home.sessionId}%`],
  );
  assert.equal(messages.length, 1);
  const { requestId: _, ...alert } = JSON.parse(messages[0]?.payload);
  assert.deepEqual(alert, {
    kind: "refresh_reused",
    at: new Date(nowMs).toISOString(),
    userId: home.userId,
    sessionId: home.sessionId,
    address: "2001:db8::9",
    country: "FR",
  });
  const entries = await trail(`sessionId=${home.sessionId}&kind=refresh_reused`, 1);
  assert.equal(entries.length, 1);
  assert.equal(entries[0].device, "Safari on iPhone");
});

test("the trail tells who came, who was refused and who did it; by filter and page by page", async () => {
  const home = await join();
  await api.call("POST", "/auth/login", { username: home.username, password: "wrong password" }, abroad);
  await api.call("POST", "/auth/login", { username: "nobody-there", password: "wrong password" }, abroad);
  await refresh(home.refreshToken);
  await refresh("x".repeat(43), abroad);
  await api.operator("POST", "/sessions/revoke", { userId: home.userId });
  const own = await trail(`userId=${home.userId}`, 4);
  assert.deepEqual(
    own.map(({ kind, operator, detail }: Record<string, unknown>) => [kind, operator, detail]),
    [
      ["session_revoked", "operator", null],
      ["refreshed", null, null],
      ["sign_in_refused", null, "auth.invalid_credentials"],
      ["registered", null, null],
    ],
  );
  const first = (await api.operator("GET", `/audit?userId=${home.userId}&limit=2`)).body;
  const rest = (await api.operator("GET", `/audit?userId=${home.userId}&limit=9&cursor=${first.nextCursor}`))
    .body;
  assert.deepEqual([...first.entries, ...rest.entries], own);
  assert.equal(rest.nextCursor, null);
  const [unknown] = await trail("kind=refresh_refused&address=2001:db8::9&limit=1", 1);
  assert.deepEqual([unknown.userId, unknown.detail], [null, "auth.refresh_invalid"]);
  const [named] = await sql.query<RowDataPacket[]>(
    "SELECT * FROM identity_trail WHERE detail LIKE '%nobody%'",
  );
  assert.deepEqual(named, [], "a name that was tried is kept nowhere");
  const future = new Date(nowMs + 1).toISOString();
  assert.deepEqual((await api.operator("GET", `/audit?since=${future}`)).body.entries, []);
  for (const query of [
    "kind=everything",
    "userId=0",
    "address=x",
    "since=yesterday",
    "limit=501",
    "more=1",
  ]) {
    assert.equal((await api.operator("GET", `/audit?${query}`)).status, 400, query);
  }
});

test("old entries are forgotten, and a trail that is full loses what comes on top and says so", async () => {
  const place = openDatabase(services.mysqlUrl);
  const lines: string[] = [];
  const log = { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream;
  const client = { address: "192.0.2.99", country: "ZZ", userAgent: "", requestId: "test" };
  try {
    const written = writeTrail(place, () => nowMs, createLogger("test", "warn", log));
    for (let i = 0; i < trailLimits.waitingMax + 7; i++) written.record({ kind: "refreshed", client });
    await written.close();
    const count = async () => {
      const [rows] = await sql.query<RowDataPacket[]>(
        "SELECT COUNT(*) AS n FROM identity_trail WHERE address = '192.0.2.99'",
      );
      return rows[0]?.n;
    };
    assert.equal(await count(), trailLimits.waitingMax);
    assert.match(lines.join(""), /"lost":7.*the trail was full/);
    await forgetTrail(trailIn(place), 60, () => nowMs + 60_000);
    assert.equal(await count(), trailLimits.waitingMax, "a minute old is not older than a minute");
    await forgetTrail(trailIn(place), 60, () => nowMs + 60_001);
    assert.equal(await count(), 0);
  } finally {
    await place.close();
  }
});
