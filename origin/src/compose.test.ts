import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createTestDatabase, startTestServices } from "../../cli/src/services/for-tests.ts";
import { startTestApi } from "../test/start-api.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);

after(async () => {
  await database.close();
  await services.close();
});

const nowhere = "redis://127.0.0.1:1";

test("without Redis the api starts, says so, and signs people in", async () => {
  const api = await startTestApi(
    { mysqlUrl: database.url, redisUrl: nowhere, redisPrefix: "" },
    {},
    { LOG_LEVEL: "silent" },
  );
  try {
    const ready = await api.call("GET", "/readyz");
    assert.equal(ready.status, 200);
    assert.deepEqual(ready.body.dependencies, { mysql: "up", redis: "down" });
    const credentials = { username: "early-bird", password: "correct horse" };
    const { status, body } = await api.call("POST", "/auth/register", credentials);
    assert.equal(status, 201);
    assert.equal((await api.call("POST", "/auth/logout", { refreshToken: body.refreshToken })).status, 204);
  } finally {
    await api.close();
  }
});

test("without MySQL the api starts, is not ready, and refuses what it can't do as an outage", async () => {
  const places = { mysqlUrl: "mysql://root@127.0.0.1:1/x", redisUrl: nowhere, redisPrefix: "" };
  const api = await startTestApi(places, {}, { LOG_LEVEL: "silent" }, { migrated: false });
  try {
    assert.equal((await api.call("GET", "/healthz")).status, 200);
    assert.equal((await api.call("GET", "/readyz")).body.code, "service.unavailable");
    const login = await api.call("POST", "/auth/login", { username: "demo", password: "correct horse" });
    assert.equal(login.status, 503);
    assert.equal(login.body.code, "service.unavailable");
    assert.equal(login.headers.get("retry-after"), "1");
    assert.equal((await api.call("GET", "/.well-known/jwks.json")).status, 200);
  } finally {
    await api.close();
  }
});

test("every route of both listeners is described, and the operators' ones are on theirs only", async () => {
  const api = await startTestApi(
    { mysqlUrl: database.url, redisUrl: nowhere, redisPrefix: "" },
    {},
    { LOG_LEVEL: "silent" },
  );
  try {
    const publicPaths = Object.keys((await api.call("GET", "/openapi.json")).body.paths);
    const operators = (await api.operator("GET", "/openapi.json")).body.paths;
    for (const path of ["/auth/login", "/auth/refresh", "/products", "/orders"])
      assert(publicPaths.includes(path), path);
    for (const path of ["/policy", "/policy/explain", "/lists/{list}", "/sessions/revoke"]) {
      assert(path in operators, path);
      assert.equal(publicPaths.includes(path), false, path);
    }
    for (const [path, methods] of Object.entries<Record<string, { security?: unknown }>>(operators)) {
      for (const [method, { security }] of Object.entries(methods)) {
        assert.deepEqual(security, [{ bearer: [] }], `${method} ${path} is for operators`);
      }
    }
  } finally {
    await api.close();
  }
});
