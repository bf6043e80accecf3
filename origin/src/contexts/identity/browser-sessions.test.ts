import assert from "node:assert/strict";
import { after, test } from "node:test";
import { COOKIE_ACCESS, COOKIE_REFRESH } from "@sluice/contract/cookies.ts";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { createHttpBrowser, type HttpBrowser } from "../../../test/http-browser.ts";
import { startTestApi } from "../../../test/start-api.ts";

const site = "http://127.0.0.1:8080";
const services = await createTestPlace();
const api = await startTestApi(services, {}, { PUBLIC_URL: site });
const host = new URL(api.url).host;

after(async () => {
  await api.close();
  await services.close();
});

const password = "correct horse battery staple";
const fromHere = { "sec-fetch-site": "same-origin" };

const post = (browser: HttpBrowser, path: string, body: object, headers: Record<string, string> = fromHere) =>
  browser.request(api.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

let people = 0;

async function visitor() {
  people += 1;
  const browser = createHttpBrowser();
  const username = `visitor-${people}`;
  const answer = await post(browser, "/auth/register", { username, password, cookies: true });
  assert.equal(answer.status, 201);
  return { browser, username, answer };
}

async function outcomeOf(answer: Response): Promise<string> {
  const text = await answer.text();
  const { code = "" } = (text === "" ? {} : JSON.parse(text)) as { code?: string };
  return `${answer.status} ${code}`.trim();
}

test("a browser gets its tokens where no script sees them, and no other site can make use of them", async () => {
  const { browser, username, answer } = await visitor();
  const body = (await answer.json()) as object;
  assert.deepEqual(Object.keys(body).sort(), ["expiresIn", "user"]);
  assert.deepEqual(
    answer.headers.getSetCookie().map((cookie) => cookie.replace(/=[^;]+;/, "=…;")),
    [
      `${COOKIE_ACCESS}=…; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Strict`,
      `${COOKIE_REFRESH}=…; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict`,
    ],
  );
  const session = await browser.request(`${api.url}/auth/session`);
  assert.equal(((await session.json()) as { user: { username: string } }).user.username, username);
});

test("a browser refreshes by its cookie, and signs out", async () => {
  const { browser } = await visitor();
  const before = browser.cookies(host).get(COOKIE_REFRESH);
  const refreshed = await post(browser, "/auth/refresh", {});
  assert.equal(refreshed.status, 200);
  assert.deepEqual(Object.keys((await refreshed.json()) as object).sort(), ["expiresIn", "user"]);
  assert.notEqual(browser.cookies(host).get(COOKIE_REFRESH), before);
  assert.equal((await browser.request(`${api.url}/auth/session`)).status, 200);
  const kept = browser.cookies(host).get(COOKIE_REFRESH) ?? "";
  assert.equal((await post(browser, "/auth/logout", {})).status, 204);
  assert.equal(browser.cookies(host).size, 0);
  assert.equal(await outcomeOf(await browser.request(`${api.url}/auth/session`)), "401 token.missing");
  assert.equal(await outcomeOf(await post(browser, "/auth/refresh", {})), "401 auth.refresh_invalid");
  assert.equal(
    (await api.call("POST", "/auth/refresh", { refreshToken: kept })).body.code,
    "session.revoked",
  );
});

/** What browsers say of where a request comes from, and whether it counts. */
const sources: [what: string, headers: Record<string, string>, counts: boolean][] = [
  ["a page of this site", { "sec-fetch-site": "same-origin" }, true],
  ["a page of this site, in an older browser", { origin: site }, true],
  ["another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }, false],
  ["another site that says it is ours", { "sec-fetch-site": "cross-site", origin: site }, false],
  ["a neighbouring host", { "sec-fetch-site": "same-site" }, false],
  ["an address that was typed", { "sec-fetch-site": "none" }, false],
  ["another site, in an older browser", { origin: "https://evil.example" }, false],
  ["a sandboxed frame", { origin: "null" }, false],
  ["nobody knows", {}, false],
];

for (const [what, headers, counts] of sources) {
  test(`a request with cookies from ${what} ${counts ? "counts" : "changes nothing"}`, async () => {
    const { browser, username } = await visitor();
    const refused = "403 auth.cross_site";
    const change = { currentPassword: password, newPassword: "quite another phrase" };
    const outcome = async (path: string, body: object) => outcomeOf(await post(browser, path, body, headers));
    const login = { username, password, cookies: true };
    assert.equal(await outcome("/auth/login", login), counts ? "200" : refused);
    assert.equal(await outcome("/auth/refresh", {}), counts ? "200" : refused);
    assert.equal(await outcome("/auth/password", change), counts ? "200" : refused);
    assert.equal(
      (await browser.request(`${api.url}/auth/session`, { headers })).status,
      200,
      "reading is free",
    );
    assert.equal(await outcome("/auth/logout", {}), counts ? "204" : refused);
    if (counts) return;
    assert.equal((await api.call("POST", "/auth/login", { username, password })).status, 200);
    assert.equal((await post(browser, "/auth/refresh", {})).status, 200, "the session goes on");
  });
}

test("one access token a request, wherever it stands", async () => {
  const { browser, username } = await visitor();
  const { accessToken } = (await api.call("POST", "/auth/login", { username, password })).body;
  const cookie = `${COOKIE_ACCESS}=${browser.cookies(host).get(COOKIE_ACCESS)}`;
  const ask = async (headers: Record<string, string>) =>
    outcomeOf(await fetch(`${api.url}/auth/session`, { headers }));
  assert.equal(await ask({ cookie }), "200");
  assert.equal(await ask({ cookie: `theme=dark; ${cookie};lang=zh` }), "200");
  assert.equal(await ask({ cookie: `x${cookie}` }), "401 token.missing");
  assert.equal(await ask({ cookie: `${cookie}x` }), "401 token.malformed");
  assert.equal(await ask({ cookie: `${COOKIE_ACCESS}=` }), "401 token.malformed");
  assert.equal(await ask({ cookie: `${cookie}; ${cookie}` }), "401 token.malformed");
  assert.equal(await ask({ cookie, authorization: `Bearer ${accessToken}` }), "401 token.malformed");
  assert.equal(await ask({ cookie, authorization: "Basic abc" }), "401 token.malformed");
  assert.equal(await ask({ authorization: `Bearer ${accessToken}` }), "200");
});

test("a refresh token in the body counts before the cookie, and is not answered with cookies", async () => {
  const { browser, username } = await visitor();
  const { refreshToken } = (await api.call("POST", "/auth/login", { username, password })).body;
  const answer = await post(browser, "/auth/refresh", { refreshToken }, {});
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.headers.getSetCookie(), []);
});
