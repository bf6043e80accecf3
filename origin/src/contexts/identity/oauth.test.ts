import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { COOKIE_ACCESS, COOKIE_OAUTH, COOKIE_REFRESH } from "@sluice/contract/cookies.ts";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { createHttpBrowser, type HttpBrowser } from "../../../test/http-browser.ts";
import { startOpenIdServer } from "../../../test/openid-server.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { until } from "../../../test/until.ts";
import { startWechatServer } from "../../../test/wechat-server.ts";
import { attemptTtlSeconds } from "./infrastructure/oauth-attempts.ts";

/** Where people would find the site. What browsers are sent to there, the tests ask the api for. */
const site = "http://127.0.0.1:8080";

const openid = await startOpenIdServer([`${site}/auth/oauth/example/callback`]);
const wechat = await startWechatServer();
const folder = await mkdtemp(join(tmpdir(), "sluice-providers-"));
const providersFile = join(folder, "providers.json");
await writeFile(join(folder, "openid-secret"), `${openid.clientSecret}\n`);
await writeFile(join(folder, "wechat-secret"), wechat.appSecret);
const { issuer, clientId } = openid;
await writeFile(
  providersFile,
  JSON.stringify({
    providers: [
      { id: "example", name: "Example", type: "openid", issuer, clientId, clientSecretFile: "openid-secret" },
      { id: "other", name: "Other", type: "openid", issuer: "http://127.0.0.1:1", clientId },
      {
        id: "wechat",
        name: "微信",
        type: "wechat",
        appId: wechat.appId,
        appSecretFile: "wechat-secret",
        authorizationUrl: `${wechat.url}/connect/qrconnect`,
        apiUrl: wechat.url,
      },
    ],
  }),
);

const logged: string[] = [];
let nowMs = Date.now();
const services = await createTestPlace();
const api = await startTestApi(
  services,
  {
    clock: () => nowMs,
    logTo: { write: (line: string) => logged.push(line) } as unknown as NodeJS.WritableStream,
  },
  { PUBLIC_URL: site, IDENTITY_PROVIDERS_FILE: providersFile, LOG_LEVEL: "trace" },
);
const sql = await createConnection(services.mysqlUrl);
const host = new URL(api.url).host;

after(async () => {
  await sql.end();
  await openid.close();
  await wechat.close();
  await api.close();
  await services.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  openid.hang(false);
  wechat.behave({ person: { unionid: "union-1", openid: "open-1", nickname: "小明" } });
});

const toApi = (url: string) => url.replace(site, api.url);
const callbackOf = (provider: string) => `${site}/auth/oauth/${provider}/callback`;

/** Begins at our site, signs in at the provider, and stops before the callback is asked for. */
async function walk(browser: HttpBrowser, provider: string, login: string, returnTo = "/") {
  const query = new URLSearchParams({ returnTo });
  const start = await browser.request(`${api.url}/auth/oauth/${provider}/start?${query}`);
  assert.equal(start.status, 303, await start.clone().text());
  const location = start.headers.get("location") ?? "";
  const callback = await browser.walkTo(callbackOf(provider), location, { login, password: "x" });
  return { location, callback };
}

async function signIn(browser: HttpBrowser, provider: string, login: string) {
  const { callback } = await walk(browser, provider, login);
  const end = await browser.request(toApi(callback));
  assert.equal(end.status, 303, await end.text());
  return whoIs(browser);
}

const sameOrigin = { "sec-fetch-site": "same-origin", "content-type": "application/json" };

async function whoIs(browser: HttpBrowser): Promise<{ id: number; username: string }> {
  const answer = await browser.request(`${api.url}/auth/session`);
  const body = (await answer.json()) as { user: { id: number; username: string } };
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body.user;
}

async function problemOf(answer: Response): Promise<string> {
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
}

test("the providers are listed by the names that people know", async () => {
  assert.deepEqual((await api.call("GET", "/auth/providers")).body.providers, [
    { id: "example", name: "Example" },
    { id: "other", name: "Other" },
    { id: "wechat", name: "微信" },
  ]);
});

test("somebody signs in at a real OpenID server, and is the same person the next time", async () => {
  const browser = createHttpBrowser();
  const { location, callback } = await walk(browser, "example", "zhang.san", "/orders?page=2");
  const asked = new URL(location);
  assert.equal(asked.origin, issuer);
  assert.equal(asked.searchParams.get("code_challenge_method"), "S256");
  assert.match(asked.searchParams.get("code_challenge") ?? "", /^[\w-]{43}$/);
  assert.match(asked.searchParams.get("nonce") ?? "", /^[\w-]{43}$/);
  assert.equal(asked.searchParams.get("redirect_uri"), callbackOf("example"));

  const end = await browser.request(toApi(callback));
  assert.equal(end.status, 303);
  assert.equal(end.headers.get("location"), `${site}/orders?page=2`);
  assert.equal(end.headers.get("cache-control"), "no-store");
  assert.equal(end.headers.get("referrer-policy"), "no-referrer");
  const cookies = end.headers.getSetCookie();
  for (const name of [COOKIE_ACCESS, COOKIE_REFRESH]) {
    const set = cookies.find((cookie) => cookie.startsWith(`${name}=`)) ?? "";
    assert.match(set, /; Path=\/; Max-Age=[1-9]\d*; HttpOnly; Secure; SameSite=Strict$/);
  }
  assert.equal(browser.cookies(host).has(COOKIE_OAUTH), false);
  const user = await whoIs(browser);
  assert.equal(user.username, "zhang.san");
  assert.deepEqual(await signIn(createHttpBrowser(), "example", "zhang.san"), user);
  assert.notEqual((await signIn(createHttpBrowser(), "example", "li.si")).id, user.id);
});

test("a name that is taken, or that is no name of ours, becomes another one", async () => {
  const registered = await api.call("POST", "/auth/register", {
    username: "wang.wu",
    password: "correct horse battery staple",
  });
  const user = await signIn(createHttpBrowser(), "example", "wang.wu");
  assert.notEqual(user.id, registered.body.user.id, "a name proves nothing");
  assert.match(user.username, /^wang\.wu-[0-9a-f]{6}$/);
  assert.match((await signIn(createHttpBrowser(), "example", "(!)")).username, /^user-[0-9a-f]{8}$/);
});

test("two sign-ins of a new person at once make one user", async () => {
  const browsers = [createHttpBrowser(), createHttpBrowser(), createHttpBrowser()];
  const callbacks = await Promise.all(browsers.map((browser) => walk(browser, "example", "twins")));
  const ends = await Promise.all(
    browsers.map((browser, at) => browser.request(toApi(callbacks[at]?.callback ?? ""))),
  );
  assert.deepEqual(
    ends.map(({ status }) => status),
    [303, 303, 303],
  );
  const users = await Promise.all(browsers.map(whoIs));
  assert.equal(new Set(users.map(({ id }) => id)).size, 1);
  const [rows] = await sql.query<RowDataPacket[]>("SELECT 1 FROM users WHERE username LIKE 'twins%'");
  assert.equal(rows.length, 1);
});

test("a callback counts once, in the browser that began, for its provider, in its time", async () => {
  const browser = createHttpBrowser();
  const { callback } = await walk(browser, "example", "once");
  const state = new URL(callback).searchParams.get("state") ?? "";
  const sealed = browser.cookies(host).get(COOKIE_OAUTH) ?? "";
  const ask = async (url: string, cookie: string) =>
    problemOf(await fetch(toApi(url), { headers: { cookie }, redirect: "manual" }));
  const good = `${COOKIE_OAUTH}=${sealed}`;
  const bad = "400 auth.oauth_state";
  assert.equal(await ask(callback, ""), bad, "another browser");
  assert.equal(await ask(callback, `${good}; ${good}`), bad, "two attempts");
  assert.equal(await ask(callback, `${good.slice(0, -2)}AA`), bad, "a changed attempt");
  assert.equal(await ask(callback.replace(state, "x".repeat(43)), good), bad, "another state");
  assert.equal(await ask(`${callback}&state=${state}`, good), bad, "two states");
  assert.equal(await ask(callback.replace("example", "wechat"), good), bad, "another provider");
  nowMs += attemptTtlSeconds * 1_000;
  assert.equal(await ask(callback, good), bad, "too late");
  nowMs -= 1_000;
  const answers = await Promise.all(
    [1, 2, 3].map(() => fetch(toApi(callback), { headers: { cookie: good }, redirect: "manual" })),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [303, 400, 400]);
});

test("without Redis nobody can say whether a callback is the first, so none counts", async () => {
  const away = await startTestApi(
    { mysqlUrl: services.mysqlUrl, redisUrl: "redis://127.0.0.1:1", redisPrefix: services.redisPrefix },
    { clock: () => nowMs },
    { PUBLIC_URL: site, IDENTITY_PROVIDERS_FILE: providersFile, LOG_LEVEL: "silent" },
    { migrated: false },
  );
  try {
    const browser = createHttpBrowser();
    const start = await browser.request(`${away.url}/auth/oauth/wechat/start`);
    const callback = await browser.walkTo(callbackOf("wechat"), start.headers.get("location") ?? "", {});
    const end = await browser.request(callback.replace(site, away.url));
    assert.equal(await problemOf(end), "503 service.unavailable");
  } finally {
    await away.close();
  }
});

for (const returnTo of [
  "//evil.example",
  "/\\evil.example",
  "https://evil.example/",
  "evil.example",
  "/\t/evil.example",
  "/\r\nset-cookie: x=1",
  "",
  `/${"x".repeat(512)}`,
]) {
  test(`nobody is sent to ${JSON.stringify(returnTo).slice(0, 40)} after signing in`, async () => {
    const answer = await api.call(
      "GET",
      `/auth/oauth/example/start?returnTo=${encodeURIComponent(returnTo)}`,
    );
    assert.deepEqual([answer.status, answer.body.code], [400, "validation.failed"]);
  });
}

test("a path that only looks like a host stays on this site", async () => {
  const browser = createHttpBrowser();
  const { callback } = await walk(browser, "example", "zhang.san", "/.//evil.example");
  const end = await browser.request(toApi(callback));
  assert.equal(new URL(end.headers.get("location") ?? "").origin, site);
});

test("who declines at the provider is told so, in a browser by the page", async () => {
  const browser = createHttpBrowser();
  const start = await browser.request(`${api.url}/auth/oauth/example/start`);
  let url = start.headers.get("location") ?? "";
  while (!url.startsWith(callbackOf("example"))) {
    const answer = await browser.request(url);
    const next = answer.headers.get("location") ?? /href="([^"]*abort)"/.exec(await answer.text())?.[1];
    url = new URL(next ?? assert.fail("no way back"), url).href;
  }
  assert.match(url, /error=access_denied/);
  const cookie = `${COOKIE_OAUTH}=${browser.cookies(host).get(COOKIE_OAUTH)}`;
  const page = await fetch(toApi(url), {
    headers: { cookie, accept: "text/html,*/*;q=0.8" },
    redirect: "manual",
  });
  assert.equal(page.status, 303);
  assert.equal(page.headers.get("location"), `${site}/account#problem=auth.oauth_denied`);
});

test("other errors that a provider redirects with are its fault, and quote nothing of it", async () => {
  const browser = createHttpBrowser();
  const { callback } = await walk(browser, "example", "zhang.san");
  const url = new URL(toApi(callback));
  url.searchParams.delete("code");
  url.searchParams.set("error", "server_error");
  url.searchParams.set("error_description", "<b>come to evil.example</b>");
  const answer = await browser.request(url.href);
  const body = await answer.text();
  assert.equal(JSON.parse(body).code, "auth.oauth_failed");
  assert.doesNotMatch(body, /evil/);
});

test("a code that the provider does not know is refused", async () => {
  const browser = createHttpBrowser();
  const { callback } = await walk(browser, "example", "zhang.san");
  const url = new URL(toApi(callback));
  url.searchParams.set("code", "x".repeat(43));
  assert.equal(await problemOf(await browser.request(url.href)), "502 auth.oauth_failed");
});

test("a provider that is away or hangs costs seconds, and is tried anew afterwards", async () => {
  assert.equal((await api.call("GET", "/auth/oauth/other/start")).body.code, "auth.oauth_unavailable");
  const browser = createHttpBrowser();
  const { callback } = await walk(browser, "example", "zhang.san");
  openid.hang(true);
  const startedAtMs = performance.now();
  const answer = await browser.request(toApi(callback));
  assert.equal(await problemOf(answer), "503 auth.oauth_unavailable");
  assert(performance.now() - startedAtMs < 9_000, "the edge would have given up");
  assert.equal(answer.headers.get("retry-after"), "10");
  openid.hang(false);
  assert.equal((await signIn(createHttpBrowser(), "example", "zhang.san")).username, "zhang.san");
});

test("a provider that nobody configured does not exist", async () => {
  for (const path of ["start", "callback"]) {
    const answer = await api.call("GET", `/auth/oauth/nobody/${path}`);
    assert.deepEqual([answer.status, answer.body.code], [404, "auth.oauth_provider_unknown"]);
  }
});

test("WeChat: a person is their unionid, whatever the openid and the nickname", async () => {
  const browser = createHttpBrowser();
  const { location } = await walk(browser, "wechat", "");
  const asked = new URL(location);
  assert.deepEqual(
    [...asked.searchParams.keys()],
    ["appid", "redirect_uri", "response_type", "scope", "state"],
  );
  assert.equal(asked.searchParams.get("scope"), "snsapi_login");
  assert.equal(asked.hash, "#wechat_redirect");
  const user = await signIn(browser, "wechat", "");
  assert.match(wechat.asked.at(-1) ?? "", /^GET .*[?&]grant_type=authorization_code/);
  const ways = await (await browser.request(`${api.url}/auth/identities`)).json();
  assert.equal((ways as { identities: { label: string }[] }).identities[0]?.label, "小明");
  wechat.behave({ person: { unionid: "union-1", openid: "open-of-another-app", nickname: "大明" } });
  assert.deepEqual(await signIn(createHttpBrowser(), "wechat", ""), user);
  wechat.behave({ person: { unionid: "union-2", openid: "open-1", nickname: "小明" } });
  assert.notEqual((await signIn(createHttpBrowser(), "wechat", "")).id, user.id);
});

for (const [what, behaviour, problem] of [
  ["an invalid code", { errcode: 40029 }, "502 auth.oauth_failed"],
  ["a code that was used", { errcode: 40163 }, "502 auth.oauth_failed"],
  ["a wrong secret", { errcode: 40125 }, "502 auth.oauth_failed"],
  ["a busy system", { errcode: -1 }, "503 auth.oauth_unavailable"],
  ["an HTML page", { body: "<html>" }, "502 auth.oauth_failed"],
  ["a JSON text", { body: '"null"' }, "502 auth.oauth_failed"],
  ["a body without end", { body: "x".repeat(300_000) }, "503 auth.oauth_unavailable"],
  ["a 502 of its gateway", { status: 502 }, "503 auth.oauth_unavailable"],
  ["a person without unionid", { person: { openid: "o", nickname: "n" } }, "502 auth.oauth_failed"],
  ["somebody who declines", { declines: true }, "403 auth.oauth_denied"],
] as const) {
  test(`WeChat: ${what} is ${problem}`, async () => {
    wechat.behave(behaviour);
    const browser = createHttpBrowser();
    const { callback } = await walk(browser, "wechat", "");
    assert.equal(await problemOf(await browser.request(toApi(callback))), problem);
  });
}

/** Signed in by password. */
async function member(username: string) {
  const browser = createHttpBrowser();
  const answer = await browser.request(`${api.url}/auth/register`, {
    method: "POST",
    headers: sameOrigin,
    body: JSON.stringify({ username, password: "correct horse battery staple", cookies: true }),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return { browser, user: await whoIs(browser) };
}

async function link(browser: HttpBrowser, provider: string, login: string): Promise<Response> {
  const begun = await browser.request(`${api.url}/auth/oauth/${provider}/link`, {
    method: "POST",
    headers: sameOrigin,
    body: "{}",
  });
  const { location } = (await begun.json()) as { location: string };
  const callback = await browser.walkTo(callbackOf(provider), location, { login, password: "x" });
  return browser.request(toApi(callback));
}

const waysOf = async (browser: HttpBrowser) =>
  (await (await browser.request(`${api.url}/auth/identities`)).json()) as {
    hasPassword: boolean;
    identities: { id: number; provider: string; label: string }[];
  };

const unlink = (browser: HttpBrowser, id: number) =>
  browser.request(`${api.url}/auth/identities/${id}`, {
    method: "DELETE",
    headers: { "sec-fetch-site": "same-origin" },
  });

test("somebody who is signed in links identities, and signs in by each of them", async () => {
  const { browser, user } = await member("linker");
  assert.equal((await link(browser, "example", "linked-one")).status, 303);
  wechat.behave({ person: { unionid: "union-linker", openid: "o", nickname: "链接" } });
  assert.equal((await link(browser, "wechat", "")).status, 303);
  assert.equal((await link(browser, "wechat", "")).status, 303, "twice is once");
  const { hasPassword, identities } = await waysOf(browser);
  assert.equal(hasPassword, true);
  assert.deepEqual(
    identities.map(({ provider, label }) => `${provider} ${label}`),
    ["example linked-one", "wechat 链接"],
  );
  assert.deepEqual(await signIn(createHttpBrowser(), "example", "linked-one"), user);
  assert.deepEqual(await signIn(createHttpBrowser(), "wechat", ""), user);
});

test("an identity of somebody else's stays theirs, and an e-mail that both have joins nobody", async () => {
  const owner = await signIn(createHttpBrowser(), "example", "owner");
  const { browser, user } = await member("covetous");
  assert.notEqual(user.id, owner.id);
  assert.equal(await problemOf(await link(browser, "example", "owner")), "409 auth.identity_taken");
  assert.deepEqual((await waysOf(browser)).identities, []);
});

test("nothing is linked to a session that ended meanwhile, nor without one", async () => {
  const anonymous = await api.call("POST", "/auth/oauth/example/link", {});
  assert.equal(anonymous.status, 401);
  const { browser, user } = await member("leaver");
  const begun = await browser.request(`${api.url}/auth/oauth/example/link`, {
    method: "POST",
    headers: sameOrigin,
    body: "{}",
  });
  const { location } = (await begun.json()) as { location: string };
  await api.operator("POST", "/sessions/revoke", { userId: user.id });
  const callback = await browser.walkTo(callbackOf("example"), location, {
    login: "leaver-1",
    password: "x",
  });
  assert.equal(await problemOf(await browser.request(toApi(callback))), "401 session.revoked");
});

test("the last way to sign in stays, also when two are removed at once", async () => {
  const browser = createHttpBrowser();
  await signIn(browser, "example", "careful");
  const [only] = (await waysOf(browser)).identities;
  assert.equal(await problemOf(await unlink(browser, only?.id ?? 0)), "409 auth.last_sign_in");
  assert.equal(await problemOf(await unlink(browser, 999_999)), "404 auth.identity_unknown");
  wechat.behave({ person: { unionid: "union-careful", openid: "o", nickname: "小心" } });
  await link(browser, "wechat", "");
  const { identities } = await waysOf(browser);
  const answers = await Promise.all(identities.map(({ id }) => unlink(browser, id)));
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [204, 409]);
  const { browser: other } = await member("neighbour");
  const [left] = (await waysOf(browser)).identities;
  assert.equal(await problemOf(await unlink(other, left?.id ?? 0)), "404 auth.identity_unknown");
});

test("who came by a provider sets a password, and may then leave the provider", async () => {
  const browser = createHttpBrowser();
  const user = await signIn(browser, "example", "setter");
  const set = await browser.request(`${api.url}/auth/password`, {
    method: "POST",
    headers: sameOrigin,
    body: JSON.stringify({ newPassword: "quite another phrase" }),
  });
  assert.equal(set.status, 200);
  const { hasPassword, identities } = await waysOf(browser);
  assert.equal(hasPassword, true);
  assert.equal((await unlink(browser, identities[0]?.id ?? 0)).status, 204);
  const login = { username: user.username, password: "quite another phrase" };
  assert.equal((await api.call("POST", "/auth/login", login)).body.user.id, user.id);
});

test("what came of it is on record, with the provider's id", async () => {
  const kinds = ["registered", "sign_in_refused", "identity_linked", "identity_unlinked", "link_refused"];
  const onRecord = async (kind: string) =>
    (await api.operator("GET", `/audit?kind=${kind}&limit=500`)).body.entries.map(
      ({ detail }: { detail: string | null }) => detail,
    );
  const expected = [
    "example",
    "auth.oauth_denied example",
    "wechat",
    "example",
    "auth.identity_taken example",
  ];
  for (const [index, kind] of kinds.entries()) {
    await until(`${kind} is on record`, async () => (await onRecord(kind)).includes(expected[index]));
  }
  assert((await onRecord("sign_in_refused")).includes("auth.oauth_unavailable example"));
  assert((await onRecord("link_refused")).includes("session.revoked example"));
  assert(
    !(await onRecord("sign_in_refused")).includes("auth.oauth_state example"),
    "anybody can make those up",
  );
});

test("no code, state, secret or token of a provider is ever in the log", () => {
  const log = logged.join("");
  assert(logged.length > 100, "the log of this whole file is looked at");
  for (const secret of [openid.clientSecret, wechat.appSecret, "ACCESS_TOKEN", "code=", "state=", "code0"]) {
    assert.equal(log.includes(secret), false, secret);
  }
});
