import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
import { until } from "../../../test/until.ts";
import { readOperators } from "./infrastructure/operator-tokens.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const folder = await mkdtemp(join(tmpdir(), "sluice-operators-"));
const file = join(folder, "operators.json");

const annsToken = "ann-has-a-token-of-her-own";
const bobsToken = "bob-may-do-nothing-at-all";
const sha256 = (token: string) => createHash("sha256").update(token).digest("hex");
const ann = { name: "ann", sha256: sha256(annsToken), scopes: ["read", "policy"] };
const bob = { name: "bob", sha256: sha256(bobsToken), scopes: [] };

async function write(operators: readonly object[]): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify({ operators }));
  await rename(`${file}.new`, file);
}

await write([ann, bob]);
const api = await startTestApi(
  { mysqlUrl: database.url, redisUrl: "redis://127.0.0.1:1", redisPrefix: "" },
  {},
  { OPERATORS_FILE: file, LOG_LEVEL: "silent" },
);

after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
  await database.close();
  await services.close();
});

const as =
  (token: string) =>
  (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.operator(method, path, body, { authorization: `Bearer ${token}`, ...headers });

test("a token is good for its scopes, and the refusal names the one that it lacks", async () => {
  assert.equal((await as(annsToken)("GET", "/policy")).status, 200);
  const refused = await as(annsToken)("POST", "/sessions/revoke", { userId: 1 });
  assert.equal(refused.status, 403);
  assert.equal(refused.body.code, "operator.scope_missing");
  assert.equal(
    refused.headers.get("www-authenticate"),
    'Bearer realm="sluice", error="insufficient_scope", scope="sessions"',
  );
  assert.equal((await as(bobsToken)("GET", "/policy")).status, 403);
  assert.equal((await as(sha256(annsToken))("GET", "/policy")).status, 401, "the digest is no token");
  assert.equal((await as(api.opsToken)("POST", "/sessions/revoke", { userId: 1 })).status, 200);
});

test("who is refused goes on record: with the name that the token has, and with nothing of a token", async () => {
  await as(annsToken)("GET", "/audit");
  await as("a-wrong-token")("GET", "/metrics");
  const entries = await until("both are on record", async () => {
    const { body } = await as(api.opsToken)("GET", "/audit?kind=operator_refused");
    const found = body.entries.map(({ operator, detail }: Record<string, unknown>) => [operator, detail]);
    return found.length >= 2 && found;
  });
  assert.deepEqual(entries.slice(0, 2), [
    [null, "operator.unauthorized"],
    ["ann", "operator.scope_missing audit"],
  ]);
});

test("a challenge has an error only when there was something to be wrong", async () => {
  const nothing = await fetch(`${api.opsUrl}/policy`);
  assert.equal(nothing.headers.get("www-authenticate"), 'Bearer realm="sluice"');
  const wrong = await as("nobody's token")("GET", "/policy");
  assert.equal(wrong.headers.get("www-authenticate"), 'Bearer realm="sluice", error="invalid_token"');
});

test("what is published is on record under the token's name, whatever its bearer says", async () => {
  const document = { default: "allow", rules: [] };
  const replaced = { "if-match": (await as(annsToken)("GET", "/policy")).headers.get("etag") ?? "" };
  assert.equal((await as(annsToken)("PUT", "/policy?author=boss", document, replaced)).status, 200);
  const [latest] = (await as(annsToken)("GET", "/policy/revisions")).body.revisions;
  assert.equal(latest.author, "ann (boss)");
});

test("a list that is replaced counts at once; one that can't be read leaves the one before", async () => {
  await write([{ ...ann, scopes: ["sessions"] }]);
  await until("ann may do something else", async () => {
    return (await as(annsToken)("POST", "/sessions/revoke", { userId: 1 })).status === 200;
  });
  assert.equal((await as(annsToken)("GET", "/policy")).status, 403);
  assert.equal((await as(bobsToken)("GET", "/policy")).status, 401);
  await writeFile(`${file}.new`, "{");
  await rename(`${file}.new`, file);
  await assert.rejects(readOperators(file));
  assert.equal((await as(annsToken)("POST", "/sessions/revoke", { userId: 1 })).status, 200);
});

for (const [what, operators] of [
  ["an unknown scope", [{ ...ann, scopes: ["everything"] }]],
  ["a token in the clear", [{ ...ann, token: annsToken }]],
  ["no digest", [{ name: "ann", scopes: [] }]],
  ["one name twice", [ann, ann]],
  ["the name of the shared token", [{ ...ann, name: "operator" }]],
] as const) {
  test(`a list with ${what} is refused`, async () => {
    await write(operators);
    await assert.rejects(readOperators(file), /operators|twice/);
  });
}
