import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { until } from "../../../test/until.ts";
import { strangerBudget } from "./application/spare-trail.ts";
import { attemptBudgets } from "./application/throttle.ts";

let nowMs = Date.now();
const services = await createTestPlace();
const api = await startTestApi(services, { clock: () => nowMs });

after(async () => {
  await api.close();
  await services.close();
});

const from = (address: string) => ({ "x-sluice-client-address": address });
const password = "correct horse battery staple";
let people = 0;

async function newcomer() {
  people += 1;
  const username = `person-${people}`;
  const { status, body } = await api.call("POST", "/auth/register", { username, password });
  assert.equal(status, 201, JSON.stringify(body));
  return { username, ...body };
}

const unknownToken = () => randomBytes(32).toString("base64url");
const show = (path: "refresh" | "logout", refreshToken: string, address: string) =>
  api.call("POST", `/auth/${path}`, { refreshToken }, from(address));
const { burst, refillMs } = attemptBudgets.unknownToken;

for (const path of ["refresh", "logout"] as const) {
  test(`unknown refresh tokens are throttled by address at ${path}, and others are not counted`, async () => {
    const stranger = path === "refresh" ? "192.0.2.1" : "192.0.2.2";
    const person = await newcomer();
    const outcomes = await Promise.all(
      Array.from({ length: burst + 20 }, () => show(path, unknownToken(), stranger)),
    );
    assert.equal(outcomes.filter(({ body }) => body?.code === "auth.throttled").length, 20);
    const throttled = await show(path, person.refreshToken, stranger);
    assert.deepEqual([throttled.status, throttled.headers.get("retry-after")], [429, "1"]);
    nowMs += refillMs;
    const renewed = await show("refresh", person.refreshToken, stranger);
    assert.equal(renewed.status, 200);
    assert.equal((await show(path, renewed.body.refreshToken, stranger)).status < 300, true, "not counted");
    for (const malformed of ["x", "y".repeat(44)]) await show(path, malformed, stranger);
    assert.equal((await show(path, unknownToken(), stranger)).status, path === "refresh" ? 401 : 204);
    assert.equal((await show(path, unknownToken(), stranger)).status, 429);
  });
}

test("strangers who use up the attempts of an account do not keep its owner from changing the password", async () => {
  const { username, accessToken } = await newcomer();
  const logIn = (given: string) =>
    api.call("POST", "/auth/login", { username, password: given }, from("203.0.113.1"));
  for (let i = 0; i < attemptBudgets.account.burst; i++) await logIn("a wrong one");
  assert.equal((await logIn(password)).status, 429);
  const change = { currentPassword: password, newPassword: "quite another phrase" };
  const mine = { authorization: `Bearer ${accessToken}` };
  assert.equal((await api.call("POST", "/auth/password", change, mine)).status, 200);
});

/** Kind, user and reason of each entry of that address, counted. Events are written a moment after the answer. */
async function onRecord(address: string, count: number): Promise<Record<string, number>> {
  const entries = await until(`${count} of ${address}`, async () => {
    const { body } = await api.operator("GET", `/audit?address=${address}&limit=500`);
    return body.entries.length >= count && body.entries;
  });
  assert.equal(entries.length, count);
  const counted: Record<string, number> = {};
  for (const { kind, userId, detail } of entries) {
    const what = `${kind} ${userId} ${detail}`;
    counted[what] = (counted[what] ?? 0) + 1;
  }
  return counted;
}

test("who is refused at a password, a name, another site's page or a throttle is on record", async () => {
  const { username, accessToken, user } = await newcomer();
  const address = "198.51.100.1";
  const post = (path: string, body: object, headers = {}) =>
    api.call("POST", path, body, { ...from(address), ...headers });
  const guess = { currentPassword: "a wrong one", newPassword: "quite another phrase" };
  const mine = { authorization: `Bearer ${accessToken}` };
  await post("/auth/register", { username, password });
  await post("/auth/login", { username, password, cookies: true }, { "sec-fetch-site": "cross-site" });
  for (let i = 0; i <= attemptBudgets.account.burst; i++) {
    await post("/auth/login", { username, password: "a wrong one" });
    await post("/auth/password", guess, mine);
  }
  assert.deepEqual(await onRecord(address, 24), {
    "registration_refused null auth.username_taken": 1,
    "cross_site_refused null auth.cross_site": 1,
    [`sign_in_refused ${user.id} auth.invalid_credentials`]: 10,
    "sign_in_refused null auth.throttled": 1,
    [`password_refused ${user.id} auth.password_wrong`]: 10,
    [`password_refused ${user.id} auth.throttled`]: 1,
  });
});

test("that somebody is throttled is on record only so often, whoever they are", async () => {
  const { accessToken, user } = await newcomer();
  const address = "198.51.100.2";
  const { burst: guesses } = attemptBudgets.passwordChange;
  const headers = { ...from(address), authorization: `Bearer ${accessToken}` };
  const guess = { currentPassword: "a wrong one", newPassword: "quite another phrase" };
  for (let i = 0; i < guesses + strangerBudget.burst + 20; i++) {
    await api.call("POST", "/auth/password", guess, headers);
  }
  // Written in order, so all that came before this is there.
  await api.call("POST", "/auth/register", { username: "the-last-one", password }, from(address));
  assert.equal(
    (await onRecord(address, guesses + strangerBudget.burst + 1))[
      `password_refused ${user.id} auth.throttled`
    ],
    strangerBudget.burst,
  );
});
