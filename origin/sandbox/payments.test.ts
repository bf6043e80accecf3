import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { startTestSandbox } from "../test/start-sandbox.ts";
import { until } from "../test/until.ts";

const folder = await mkdtemp(join(tmpdir(), "sluice-sandbox-"));
const secretFile = join(folder, "secret");
const stateFile = join(folder, "state");
await writeFile(secretFile, "a secret\n");

after(() => rm(folder, { recursive: true, force: true }));

const start = () =>
  startTestSandbox(secretFile, { PAYMENTS_STATE_FILE: stateFile, PAYMENTS_DELAY_MS: "300" });

async function ask(url: string, method: string, path: string, body?: object, secret = "a secret") {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function charge(id: string, method: string, amountCents = 500) {
  // Nobody listens there: callbacks are tried, fail, and hold nothing up.
  return { id, method, amountCents, currency: "EUR", callbackUrl: "http://127.0.0.1:1/" };
}

test("the same id is the same charge, whatever is asked for the second time", async () => {
  const { url, close } = await start();
  const first = await ask(url, "POST", "/payments", charge("a", "sandbox"));
  assert.deepEqual([first.status, first.body.status], [200, "succeeded"]);
  const second = await ask(url, "POST", "/payments", charge("a", "sandbox:declined", 9));
  assert.deepEqual(second.body, first.body);
  const refund = (id: string, amountCents: number) =>
    ask(url, "POST", "/payments/a/refunds", { id, amountCents });
  assert.equal((await refund("r", 200)).body.status, "succeeded");
  assert.deepEqual((await refund("r", 200)).body, (await refund("r", 200)).body);
  assert.equal((await refund("r", 201)).status, 422, "a known id with another amount");
  assert.equal((await refund("s", 301)).status, 422, "more than is left");
  assert.equal((await refund("s", 300)).body.status, "succeeded");
  await close();
});

test("a restart forgets nothing, also when the last line of its file was cut off", async () => {
  const before = await start();
  await ask(before.url, "POST", "/payments", charge("b", "sandbox:declined"));
  await ask(before.url, "POST", "/payments", charge("c", "sandbox:quiet"));
  await before.close();
  await appendFile(stateFile, '{"id":"half');
  const { url, close } = await start();
  assert.equal((await ask(url, "GET", "/payments/b")).body.status, "declined");
  await until("what was pending is decided", async () => {
    return (await ask(url, "GET", "/payments/c")).body.status === "succeeded";
  });
  assert.equal((await ask(url, "GET", "/payments/half")).status, 404);
  await close();
});

test("a charge that decides three times calls back of all three, the last first, one after the other", async () => {
  const heard: string[] = [];
  const merchant = createServer(async (request, response) => {
    heard.push(JSON.parse(await text(request)).status);
    response.end();
  });
  await new Promise<void>((resolve) => merchant.listen(0, "127.0.0.1", resolve));
  const { port } = merchant.address() as AddressInfo;
  const { url, close } = await start();
  const asked = { ...charge("reordered", "sandbox:reorder"), callbackUrl: `http://127.0.0.1:${port}/` };
  assert.equal((await ask(url, "POST", "/payments", asked)).body.status, "pending");
  await until("all three are heard", async () => heard.length === 3);
  assert.deepEqual(heard, ["succeeded", "declined", "pending"]);
  assert.equal((await ask(url, "GET", "/payments/reordered")).body.status, "succeeded");
  await close();
  merchant.closeAllConnections();
  await new Promise((resolve) => merchant.close(resolve));
});

test("whoever lacks the secret gets nothing, and what was declined is not paid back", async () => {
  const { url, close } = await start();
  assert.equal((await ask(url, "GET", "/payments/b", undefined, "another")).status, 401);
  assert.equal((await ask(url, "POST", "/payments/b/refunds", { id: "t", amountCents: 1 })).status, 422);
  await close();
});

test("what was cancelled takes no money, before it comes and while it is pending; what has taken it, has", async () => {
  const { url, close } = await start();
  const cancel = (id: string) => ask(url, "POST", `/payments/${id}/cancel`, charge(id, "sandbox"));
  assert.equal((await cancel("early")).body.status, "declined");
  assert.equal((await ask(url, "POST", "/payments", charge("early", "sandbox"))).body.status, "declined");
  await ask(url, "POST", "/payments", charge("pending", "sandbox:late"));
  assert.equal((await cancel("pending")).body.status, "declined");
  await ask(url, "POST", "/payments", charge("taken", "sandbox"));
  assert.equal((await cancel("taken")).body.status, "succeeded");
  await close();
});
