/** What people see, in a real browser: sign-in, staying signed in, and all tabs knowing when it is over. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { COOKIE_ACCESS, COOKIE_REFRESH } from "@sluice/contract/cookies.ts";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { type OpenIdServer, startOpenIdServer } from "../../origin/test/openid-server.ts";
import { eventually } from "../src/eventually.ts";
import { GIVEN_SYSTEM, type System, startSystem } from "../src/system.ts";

/** A browser forgets the cookie when the token's life is over. */
const ACCESS_TOKEN_TTL_SECONDS = 4;
/** Of one step, milliseconds: generous, because everything runs on the same cores. */
const STEP_TIMEOUT_MS = 60_000;

const skip = GIVEN_SYSTEM ? "the system's tokens live too long for it" : false;

describe("a browser", { skip }, () => {
  let folder: string;
  let system: System;
  let openid: OpenIdServer;
  let browser: Browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-providers-"));
    const providersFile = join(folder, "providers.json");
    await writeFile(providersFile, JSON.stringify({ providers: [] }));
    system = await startSystem({
      orderTtlSeconds: 600,
      environment: {
        ACCESS_TOKEN_TTL_SECONDS: String(ACCESS_TOKEN_TTL_SECONDS),
        IDENTITY_PROVIDERS_FILE: providersFile,
      },
    });
    // Each must know the other's address; the list of providers may change while the system runs.
    openid = await startOpenIdServer([`${system.edgeUrl}/auth/oauth/example/callback`]);
    const { issuer, clientId } = openid;
    await writeFile(join(folder, "secret"), openid.clientSecret);
    const example = { id: "example", name: "Example", type: "openid", issuer, clientId };
    await writeFile(
      join(folder, "next.json"),
      JSON.stringify({ providers: [{ ...example, clientSecretFile: "secret" }] }),
    );
    await rename(join(folder, "next.json"), providersFile);
    await eventually("the provider is listed", STEP_TIMEOUT_MS, async () => {
      const { body } = await system.edge.get("/auth/providers");
      return body.providers?.length === 1 ? true : undefined;
    });
    browser = await chromium.launch({
      executablePath: findChromium(),
      // Chromium's sandbox does not run as root.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    });
  });

  after(async () => {
    await browser?.close();
    await openid?.close();
    await system?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function openTab(context: BrowserContext, path = "/account"): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_TIMEOUT_MS);
    await page.goto(system.edgeUrl + path);
    return page;
  }

  const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
  const headed = (page: Page, name: string) => page.getByRole("heading", { name, exact: true }).waitFor();
  const signedOut = (page: Page) => headed(page, "Sign in");
  const signedInAs = async (page: Page, name: string) => {
    await headed(page, "Your account");
    await page.getByRole("banner").getByText(name, { exact: true }).waitFor();
  };
  const told = (page: Page, words: string) => page.getByText(words, { exact: true }).waitFor();

  const cookieOf = async (context: BrowserContext, name: string) =>
    (await context.cookies(system.edgeUrl)).find((cookie) => cookie.name === name);

  async function signInAtProvider(page: Page, name: string): Promise<void> {
    await page.getByRole("link", { name: "Sign in with Example", exact: true }).click();
    await atProvider(page, name);
    await signedInAs(page, name);
  }

  /** On the pages of the OpenID server. */
  async function atProvider(page: Page, name: string): Promise<void> {
    await page.getByPlaceholder("Enter any login").fill(name);
    await page.getByPlaceholder("and password").fill("x");
    await press(page, "Sign-in");
    await press(page, "Continue");
  }

  test("signs in at a provider, stays signed in, and is out in all tabs at once", async () => {
    const context = await browser.newContext();
    const complaints: string[] = [];
    context.on("console", (message) => {
      if (/Content Security Policy|Uncaught/.test(message.text())) complaints.push(message.text());
    });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    const page = await openTab(context, "/");
    await signedOut(page);
    await signInAtProvider(page, "li.ming");
    assert.equal(await page.evaluate("document.cookie"), "", "no script sees a token");

    await page.reload();
    await signedInAs(page, "li.ming");
    const first = await cookieOf(context, COOKIE_REFRESH);
    await eventually("the life of the access token is over", STEP_TIMEOUT_MS, async () => {
      return (await cookieOf(context, COOKIE_ACCESS)) === undefined ? true : undefined;
    });
    await page.reload();
    await signedInAs(page, "li.ming");
    const second = await cookieOf(context, COOKIE_REFRESH);
    assert.notEqual(second?.value, first?.value, "it was refreshed");

    const other = await openTab(context);
    await signedInAs(other, "li.ming");
    await press(other, "Sign out");
    await signedOut(other);
    await signedOut(page);
    assert.equal(await cookieOf(context, COOKIE_ACCESS), undefined);
    assert.equal(await cookieOf(context, COOKIE_REFRESH), undefined);
    await page.reload();
    await signedOut(page);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("creates an account, links a provider, sets its password, and ends what it has elsewhere", async () => {
    const credentials = { username: "wang.fang", password: "correct horse battery staple" };
    const context = await browser.newContext();
    const page = await openTab(context);
    const enter = async (password: string, submit: string) => {
      await page.getByLabel("Username", { exact: true }).fill(credentials.username);
      await page.getByLabel("Password", { exact: true }).fill(password);
      await press(page, submit);
    };
    await signedOut(page);
    await press(page, "Create an account");
    await enter("password1", "Create account");
    await told(page, "This password is easy to guess: it is known from breaches, or holds the username");
    await enter(credentials.password, "Create account");
    await signedInAs(page, credentials.username);

    await press(page, "Link Example");
    await atProvider(page, "somebody");
    await signedInAs(page, credentials.username);
    await told(page, "somebody");
    assert.equal(await page.getByRole("button", { name: "Unlink", exact: true }).count(), 1);

    const { status, body } = await system.edge.post("/auth/login", credentials);
    assert.equal(status, 200, "a second session");
    await page.reload();
    await press(page, "Sign out everywhere else");
    await told(page, "Signed out there");
    assert.equal((await system.edge.post("/auth/refresh", { refreshToken: body.refreshToken })).status, 401);

    await page.getByText("Change the password", { exact: true }).click();
    await page.getByLabel("Current password", { exact: true }).fill(credentials.password);
    await page.getByLabel("New password", { exact: true }).fill("quite another phrase");
    await press(page, "Save");
    await told(page, "The password is saved");
    await press(page, "Sign out");
    await signedOut(page);
    await enter(credentials.password, "Sign in");
    await told(page, "The username or the password is wrong");
    await enter("quite another phrase", "Sign in");
    await signedInAs(page, credentials.username);
    await context.close();
  });

  test("what another site makes it send changes nothing", async () => {
    const context = await browser.newContext();
    const page = await openTab(context);
    await signInAtProvider(page, "zhao.lei");
    const stranger = await context.newPage();
    await stranger.goto(`${openid.issuer}/.well-known/openid-configuration`);
    const logout = `fetch("${system.edgeUrl}/auth/logout", { method: "POST", mode: "no-cors", credentials: "include",
      body: new Blob(["{}"], { type: "text/plain" }) }).then((answer) => answer.type)`;
    assert.equal(await stranger.evaluate(logout), "opaque", "it was sent and answered");
    await page.reload();
    await signedInAs(page, "zhao.lei");
    await context.close();
  });

  test("a sign-in that fails at the provider ends on the page, in the service's words", async () => {
    const context = await browser.newContext();
    const page = await openTab(context, "/auth/oauth/example/callback?code=x&state=x");
    await told(page, "This sign-in was not started in this browser, or is used or too old");
    await signedOut(page);
    assert.equal(new URL(page.url()).hash, "");
    await context.close();
  });
});

function findChromium(): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = folders.map((path) => join(path, "chromium")).find((path) => existsSync(path));
  return found ?? assert.fail("chromium is not on the path; `node cli/bootstrap.mjs packages` installs it");
}
