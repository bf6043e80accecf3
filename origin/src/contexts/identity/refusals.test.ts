import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { createTestPlace } from "../../../../cli/src/services/for-tests.ts";
import { startTestApi } from "../../../test/start-api.ts";
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
