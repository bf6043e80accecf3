import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { TOKEN_KEY_ANNOUNCED_SECONDS } from "@sluice/contract/token-claims.ts";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { until } from "../../../test/until.ts";
import { isRotationDue, rotated, scheduleOf } from "./application/key-schedule.ts";
import { makeTokenKeys, rotateTokenKeys } from "./infrastructure/rotate-token-keys.ts";
import { loadTokenKeys } from "./infrastructure/token-keys.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const places = { mysqlUrl: database.url, redisUrl: "redis://127.0.0.1:1", redisPrefix: "" };
let nowMs = Date.now();
const quiet = { LOG_LEVEL: "silent", TOKEN_KEY_ROTATION_SECONDS: "0" };
const api = await startTestApi(places, { clock: () => nowMs }, quiet);
const folder = await mkdtemp(join(tmpdir(), "sluice-keys-"));
const files = { privateKeysFile: join(folder, "private.pem"), publicKeysFile: join(folder, "keys.json") };

after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
  await database.close();
  await services.close();
});

const later = (seconds: number) => {
  nowMs += seconds * 1_000;
};
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[0] as string, "base64url").toString()).kid;
let people = 0;
const newcomer = async () => {
  people += 1;
  const credentials = { username: `key-holder-${people}`, password: "correct horse battery staple" };
  return (await api.call("POST", "/auth/register", credentials)).body;
};
const passes = async (accessToken: string, on = api) => {
  const answer = await on.call("GET", "/auth/sessions", undefined, {
    authorization: `Bearer ${accessToken}`,
  });
  return answer.status === 200 ? "passes" : answer.body.code;
};
const statesOf = (keys: { state: string }[]) => keys.map(({ state }) => state);
const jwks = async () => (await api.call("GET", "/.well-known/jwks.json")).body.keys;

test("a rotation is announced, then signs; the key before it verifies until its last token is over", async () => {
  const before = await newcomer();
  const rotation = await api.operator("POST", "/keys/rotate", {});
  assert.equal(rotation.status, 200, JSON.stringify(rotation.body));
  assert.deepEqual(statesOf(rotation.body.keys), ["signing", "announced"]);
  assert.equal((await jwks()).length, 2, "whoever keeps the list knows the new key before it signs");
  const meanwhile = await newcomer();
  assert.equal(kidOf(meanwhile.accessToken), kidOf(before.accessToken));
  later(TOKEN_KEY_ANNOUNCED_SECONDS);
  const afterwards = await newcomer();
  assert.equal(kidOf(afterwards.accessToken), rotation.body.keys[1].kid);
  for (const { accessToken } of [before, meanwhile, afterwards]) {
    assert.equal(await passes(accessToken), "passes");
  }
  later(600 + 5 + 60);
  assert.equal(await passes(before.accessToken), "token.invalid", "its key is not known any more");
  assert.deepEqual(statesOf((await api.operator("GET", "/keys")).body.keys), ["signing"]);
  assert.deepEqual(
    (await jwks()).map(({ kid }: { kid: string }) => kid),
    [kidOf(afterwards.accessToken)],
  );
  await api.operator("POST", "/keys/rotate", {});
  const stored = await readFile(api.environment.TOKEN_PUBLIC_KEYS_FILE ?? "", "utf8");
  assert.equal(
    stored.includes(kidOf(before.accessToken)),
    false,
    "the next rotation takes it out of the file",
  );
  const privateKeys = await readFile(api.environment.TOKEN_PRIVATE_KEY_FILE ?? "", "utf8");
  assert.equal(privateKeys.match(/BEGIN PRIVATE KEY/g)?.length, 2);
  assert.equal(stored.includes("PRIVATE"), false);
});

test("a refresh that is repeated across the moment of rotation gives the same successor", async () => {
  await api.operator("POST", "/keys/rotate", {});
  later(TOKEN_KEY_ANNOUNCED_SECONDS - 1);
  const person = await newcomer();
  const first = (await api.call("POST", "/auth/refresh", { refreshToken: person.refreshToken })).body;
  later(2);
  const second = (await api.call("POST", "/auth/refresh", { refreshToken: person.refreshToken })).body;
  assert.equal(second.refreshToken, first.refreshToken);
  assert.notEqual(kidOf(second.accessToken), kidOf(first.accessToken));
  assert.equal((await api.call("POST", "/auth/refresh", { refreshToken: first.refreshToken })).status, 200);
});

test("another process follows without a restart, and keeps its keys when the file can't be read", async () => {
  const { TOKEN_PRIVATE_KEY_FILE = "", TOKEN_PUBLIC_KEYS_FILE = "" } = api.environment;
  const shared = { ...quiet, TOKEN_PRIVATE_KEY_FILE, TOKEN_PUBLIC_KEYS_FILE };
  const other = await startTestApi(places, { clock: () => nowMs }, shared, { migrated: false });
  try {
    await api.operator("POST", "/keys/rotate", {});
    later(TOKEN_KEY_ANNOUNCED_SECONDS);
    const person = await newcomer();
    await until("the other knows the new key", async () => {
      return (await passes(person.accessToken, other)) === "passes";
    });
    const whole = await readFile(TOKEN_PUBLIC_KEYS_FILE);
    await writeFile(TOKEN_PUBLIC_KEYS_FILE, '{"keys":[');
    await assert.rejects(
      loadTokenKeys({ privateKeysFile: TOKEN_PRIVATE_KEY_FILE, publicKeysFile: TOKEN_PUBLIC_KEYS_FILE }),
    );
    assert.equal(await passes(person.accessToken, other), "passes");
    await writeFile(TOKEN_PUBLIC_KEYS_FILE, whole);
  } finally {
    await other.close();
  }
});

test("a key in wrong hands is dropped with all tokens that it signed; refreshing goes on", async () => {
  const person = await newcomer();
  const dropped = await api.operator("POST", "/keys/rotate", { dropOld: true });
  assert.deepEqual(statesOf(dropped.body.keys), ["signing"]);
  assert.equal(await passes(person.accessToken), "token.invalid");
  const refreshed = await api.call("POST", "/auth/refresh", { refreshToken: person.refreshToken });
  assert.equal(await passes(refreshed.body.accessToken), "passes");
  const { entries } = await until("it is on record", async () => {
    const { body } = await api.operator("GET", "/audit?kind=keys_rotated&limit=1");
    return body.entries[0]?.detail !== null && body;
  });
  assert.deepEqual([entries[0].operator, entries[0].detail], ["operator", "the old keys were dropped"]);
});

test("by schedule one of several processes rotates, once", async () => {
  await makeTokenKeys(files, Math.floor(nowMs / 1_000));
  const scheduled = {
    ...quiet,
    TOKEN_KEY_ROTATION_SECONDS: "4",
    TOKEN_PRIVATE_KEY_FILE: files.privateKeysFile,
    TOKEN_PUBLIC_KEYS_FILE: files.publicKeysFile,
  };
  const start = () => startTestApi(places, { clock: () => nowMs }, scheduled, { migrated: false });
  const both = [await start(), await start()];
  try {
    assert.equal((await loadTokenKeys(files)).length, 1, "not due yet");
    later(4);
    await until("both list the new key", async () => {
      const lists = await Promise.all(both.map((one) => one.operator("GET", "/keys")));
      return lists.every(({ body }) => body.keys.length === 2);
    });
    // Each has looked again since: the announced key is young enough.
    assert.equal((await loadTokenKeys(files)).length, 2);
  } finally {
    await Promise.all(both.map((one) => one.close()));
  }
});

test("whenever a rotation is killed, what lies there signs and verifies, and the next one cleans up", async () => {
  const terms = {
    nowS: Math.floor(nowMs / 1_000),
    tokenTtlSeconds: 600,
    dropOld: false,
    olderThanSeconds: 0,
  };
  const listed = async () => JSON.parse(await readFile(files.publicKeysFile, "utf8")).keys.length;
  const before = await readFile(files.publicKeysFile);
  const keysBefore = await listed();
  assert.equal(await rotateTokenKeys(files, terms), true);
  // Killed before the public file was replaced: the private one has a key that nobody heard of.
  await writeFile(files.publicKeysFile, before);
  assert.equal(
    (await loadTokenKeys(files)).every(({ privateKey }) => privateKey !== undefined),
    true,
  );
  // Killed while it wrote, with the lock in its hand.
  await writeFile(`${files.privateKeysFile}.new`, "-----BEGIN PRI");
  await writeFile(`${files.publicKeysFile}.lock`, "");
  assert.equal(await rotateTokenKeys(files, terms), false, "somebody may be at it");
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(`${files.publicKeysFile}.lock`, longAgo, longAgo);
  assert.equal(await rotateTokenKeys(files, terms), true, "nobody takes so long");
  assert.equal(existsSync(`${files.publicKeysFile}.lock`), false);
  assert.equal(await listed(), keysBefore + 1);
  const privateKeys = (await readFile(files.privateKeysFile, "utf8")).match(/BEGIN PRIVATE KEY/g);
  assert.equal(privateKeys?.length, keysBefore + 1, "the key that nobody heard of is gone");
  // The public file was lost: it is made again from the private one.
  await rm(files.publicKeysFile);
  await makeTokenKeys(files, terms.nowS);
  assert.equal(await listed(), keysBefore + 1);
  const [one, two] = await Promise.all([rotateTokenKeys(files, terms), rotateTokenKeys(files, terms)]);
  assert.equal(one || two, true, "of two at once at least one");
  await loadTokenKeys(files);
});

test("the schedule of keys, at its edges", () => {
  const key = (kid: string, signsFrom?: number, verifiesUntil?: number) => ({
    kid,
    alg: "RS256" as const,
    spki: "",
    ...(signsFrom === undefined ? {} : { signsFrom }),
    ...(verifiesUntil === undefined ? {} : { verifiesUntil }),
  });
  const states = (nowS: number) =>
    scheduleOf([key("old", undefined, 300), key("new", 100)], nowS).map(({ kid, state }) => [kid, state]);
  assert.deepEqual(states(99), [
    ["old", "signing"],
    ["new", "announced"],
  ]);
  assert.deepEqual(states(100), [
    ["old", "verifying"],
    ["new", "signing"],
  ]);
  assert.deepEqual(states(299).length, 2);
  assert.deepEqual(states(300), [["new", "signing"]]);
  assert.equal(isRotationDue([key("a", 100)], 159, 60), false);
  assert.equal(isRotationDue([key("a", 100)], 160, 60), true);
  const terms = { nowS: 1_000, tokenTtlSeconds: 600, dropOld: false };
  const again = rotated([key("a", 1, 5_000), key("over", 1, 999), key("b", 900)], key("c"), terms);
  assert.deepEqual(
    again.map(({ kid, verifiesUntil }) => [kid, verifiesUntil]),
    [
      ["a", 5_000],
      ["b", 1_675],
      ["c", undefined],
    ],
    "an end that was set stays, and what is over goes",
  );
});
