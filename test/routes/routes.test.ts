/** What the edge lets through against what the origin serves: each route of either, and what it needs. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ROUTES } from "../../edge/routes.ts";
import type { DeclaredRoute } from "../../origin/src/platform/http/access.ts";
import { startTestApi, type TestApi } from "../../origin/test/start-api.ts";

/** The origin's own: who looks after the process asks it, and nobody beyond the edge. */
const BEHIND_THE_EDGE = ["GET /healthz", "GET /readyz"];

describe("routes", () => {
  let api: TestApi;

  before(async () => {
    const nowhere = {
      mysqlUrl: "mysql://root@127.0.0.1:1/x",
      redisUrl: "redis://127.0.0.1:1",
      redisPrefix: "",
    };
    api = await startTestApi(nowhere, {}, { LOG_LEVEL: "silent" }, { migrated: false });
  });

  after(() => api?.close());

  test("the edge asks for what the origin declares, route by route, and knows no other", () => {
    const origin = listed(api.routes.api).filter(
      (line) => !BEHIND_THE_EDGE.some((own) => line.startsWith(own)),
    );
    const edge = ROUTES.flatMap(({ pattern, methods }) =>
      Object.entries(methods).map(([method, access]) => `${method} ${pattern} ${access}`),
    );
    assert.deepEqual(edge.sort(), origin);
  });

  test("both listeners have routes, and each of them says what it needs", () => {
    for (const route of [...api.routes.api, ...api.routes.ops]) {
      assert.match(route.access, /^(public|user|operator:[a-z]+)$/, `${route.method} ${route.path}`);
    }
    assert(api.routes.api.length > 10 && api.routes.ops.length > 10);
  });

  test("the public listener has nothing for operators, theirs is open in nothing that matters", () => {
    const forOperators = api.routes.api.filter(({ access }) => access.startsWith("operator"));
    assert.deepEqual(forOperators, []);
    const open = listed(api.routes.ops.filter(({ access }) => !access.startsWith("operator")));
    assert.deepEqual(
      open,
      ["/errors", "/healthz", "/openapi.json", "/readyz"].map((path) => `GET ${path} public`),
    );
  });

  test("a route for user or operator refuses whoever brings nothing, on the listener itself", async () => {
    for (const { method, path, access } of [...api.routes.api, ...api.routes.ops]) {
      if (access === "public" || method === "HEAD") continue;
      const ask = access === "user" ? api.call : api.operator;
      const answer = await ask(method, path.replaceAll(/:\w+/g, "1"), undefined, { authorization: "" });
      assert.equal(answer.status, 401, `${method} ${path}`);
    }
  });
});

/** `HEAD` goes with `GET` on both sides. */
function listed(routes: readonly DeclaredRoute[]): string[] {
  return routes
    .filter(({ method }) => method !== "HEAD")
    .map(({ method, path, access }) => `${method} ${path} ${access}`)
    .sort();
}
