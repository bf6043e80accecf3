import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { attemptBudgets } from "./application/throttle.ts";
import { createPasswordHasher } from "./infrastructure/passwords.ts";

/** Plays the range service: what it does with a question is changed by each test. */
let answerRange: (suffixes: (lines: string) => void) => void = (send) => send("");
const asked: string[] = [];
const ranges = createServer((request, response) => {
  asked.push(request.url ?? "");
  answerRange((lines) => response.end(lines));
});
await new Promise<void>((resolve) => ranges.listen(0, "127.0.0.1", resolve));

let nowMs = Date.now();
const services = await createTestPlace();
const api = await startTestApi(
  services,
  { clock: () => nowMs },
  { PASSWORD_RANGE_URL: `http://127.0.0.1:${(ranges.address() as AddressInfo).port}/range/` },
);
const sql = await createConnection(services.mysqlUrl);

after(async () => {
  ranges.closeAllConnections();
  ranges.close();
  await sql.end();
  await api.close();
  await services.close();
});

const password = "correct horse battery staple";
let people = 0;

async function newcomer() {
  people += 1;
  const username = `guest-${people}`;
  const { status, body } = await api.call("POST", "/auth/register", { username, password });
  assert.equal(status, 201, JSON.stringify(body));
  return { username, ...body };
}

const logIn = (username: string, given: string, address = "192.0.2.1") =>
  api.call("POST", "/auth/login", { username, password: given }, { "x-sluice-client-address": address });

const { burst, refillMs } = attemptBudgets.account;

test("of thirty guesses at once ten are looked at, whether there is such an account or not", async () => {
  const { username } = await newcomer();
  const outcomes = await Promise.all(
    [username, "nobody-at-all", "no name at all"].map(async (name) => {
      const answers = await Promise.all(Array.from({ length: 30 }, () => logIn(name, "a wrong one")));
      return answers.map(({ status, body }) => `${status} ${body.code} ${body.detail}`).toSorted();
    }),
  );
  const wrong = "401 auth.invalid_credentials The username or the password is wrong";
  assert.equal(outcomes[0]?.filter((outcome) => outcome === wrong).length, burst);
  assert.equal(outcomes[0]?.filter((outcome) => outcome.startsWith("429 auth.throttled")).length, 20);
  assert.deepEqual(outcomes[1], outcomes[0]);
  assert.deepEqual(outcomes[2], outcomes[0]);
});

test("who is throttled learns nothing from the right password, and may try again after the time that is told", async () => {
  const { username } = await newcomer();
  await Promise.all(Array.from({ length: burst }, () => logIn(username, "a wrong one")));
  const refused = await logIn(username.toUpperCase(), password, "198.51.100.7");
  assert.deepEqual([refused.status, refused.body.code], [429, "auth.throttled"]);
  const waitS = Number(refused.headers.get("retry-after"));
  assert(waitS > 0 && waitS <= refillMs / 1_000, `${waitS} s`);
  nowMs += waitS * 1_000;
  assert.equal((await logIn(username, password)).status, 200);
  assert.equal((await logIn(username, password)).status, 200, "what succeeds is not counted");
  assert.equal((await logIn(username, "a wrong one")).status, 401);
  assert.equal((await logIn(username, password)).status, 429);
});

test("a hash by weaker parameters is made anew at the next login", async () => {
  const { username, user } = await newcomer();
  const weak = await createPasswordHasher({ ln: 9, r: 8, p: 1 }).hash(password);
  const stored = async () =>
    (await sql.query<RowDataPacket[]>("SELECT password_hash FROM users WHERE id = ?", [user.id]))[0][0]
      ?.password_hash;
  await sql.query("UPDATE users SET password_hash = ? WHERE id = ?", [weak, user.id]);
  assert.equal((await logIn(username, "a wrong one")).status, 401);
  assert.equal(await stored(), weak);
  assert.equal((await logIn(username, password)).status, 200);
  assert.match(await stored(), /^\$scrypt\$ln=10,r=8,p=1\$/);
  assert.equal((await logIn(username, password)).status, 200);
});

for (const [what, given] of [
  ["a common one", "iloveyou1"],
  ["a common one in capitals", "BASEBALL1"],
  ["one in full-width letters", "ｐａｓｓｗｏｒｄ１"],
  ["the name itself with a digit", "Somebody-Else1"],
] as const) {
  test(`a password that is ${what} is refused`, async () => {
    const answer = await api.call("POST", "/auth/register", { username: "somebody-else", password: given });
    assert.deepEqual([answer.status, answer.body.code], [422, "auth.password_common"]);
  });
}

test("a range service is told five digits, and knows more", async () => {
  const known = "nobody ever had this";
  const digest = createHash("sha1").update(known).digest("hex").toUpperCase();
  answerRange = (send) => send(`${"0".repeat(35)}:3\r\n${digest.slice(5)}:17\r\n`);
  const refused = await api.call("POST", "/auth/register", { username: "ranged-1", password: known });
  assert.equal(refused.body.code, "auth.password_common");
  assert.equal(asked.at(-1), `/range/${digest.slice(0, 5)}`);
  answerRange = (send) => send(`${digest.slice(5)}:0\r\n`);
  const padded = await api.call("POST", "/auth/register", { username: "ranged-1", password: known });
  assert.equal(padded.status, 201, "padding is no find");
});

test("a range service that hangs or talks without end keeps nobody out", async () => {
  answerRange = () => {};
  const hanging = await api.call("POST", "/auth/register", { username: "ranged-2", password });
  assert.equal(hanging.status, 201);
  answerRange = (send) => send("0".repeat(2_000_000));
  const endless = await api.call("POST", "/auth/register", { username: "ranged-3", password });
  assert.equal(endless.status, 201);
  answerRange = (send) => send("");
});

const change = (person: { accessToken: string }, currentPassword: string | undefined, newPassword: string) =>
  api.call(
    "POST",
    "/auth/password",
    { ...(currentPassword === undefined ? {} : { currentPassword }), newPassword },
    { authorization: `Bearer ${person.accessToken}` },
  );

test("a changed password ends every other session, and the old one is worth nothing", async () => {
  const person = await newcomer();
  const elsewhere = (await logIn(person.username, password)).body;
  assert.equal(
    (await change(person, "a wrong one", "quite another phrase")).body.code,
    "auth.password_wrong",
  );
  assert.equal((await change(person, undefined, "quite another phrase")).body.code, "auth.password_wrong");
  assert.equal((await change(person, password, "iloveyou1")).body.code, "auth.password_common");
  const refresh = (refreshToken: string) => api.call("POST", "/auth/refresh", { refreshToken });
  const renewed = await refresh(elsewhere.refreshToken);
  assert.equal(renewed.status, 200, "what was refused ended nothing");
  const changed = await change(person, password, "quite another phrase");
  assert.deepEqual([changed.status, changed.body], [200, { sessionsEnded: 1 }]);
  assert.equal((await refresh(renewed.body.refreshToken)).body.code, "session.revoked");
  assert.equal((await refresh(person.refreshToken)).status, 200);
  assert.equal((await logIn(person.username, password)).status, 401);
  assert.equal((await logIn(person.username, "quite another phrase")).status, 200);
});

test("changing the password is no way around the throttle", async () => {
  const person = await newcomer();
  const guesses = await Promise.all(
    Array.from({ length: burst + 5 }, () => change(person, "a wrong one", "quite another phrase")),
  );
  assert.equal(guesses.filter(({ status }) => status === 403).length, burst);
  assert.equal((await change(person, password, "quite another phrase")).status, 429);
});
