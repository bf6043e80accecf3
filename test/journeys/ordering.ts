/** What a shop is asked for that it cannot give: nonsense, and more than there is. One system answers all of it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Answer } from "../src/client.ts";
import { shareSystem } from "../src/journey-system.ts";
import { assertProblem } from "../src/problem.ts";
import { Shopper } from "../src/shopper.ts";
import type { System } from "../src/system.ts";
import { operatedShop } from "./operated-shop.ts";

let system: System;
let shopper: Shopper;
let productId: number;

before(async () => {
  system = await shareSystem(operatedShop);
  shopper = await Shopper.join(system.edge);
  const created = await system.ops.post("/products", {
    name: "Lamp",
    priceCents: 900,
    currency: "EUR",
    stock: 5,
  });
  productId = created.body.id;
});

after(async () => {
  await system?.close();
});

const asJson = { "content-type": "application/json" };
const tenMegabytes = `{"lines":"${"x".repeat(10 * 1024 * 1024)}"}`;

/** What is sent, and the refusal that it must get. */
const orders: [string, number, string, () => Promise<Answer>][] = [
  ["malformed JSON", 400, "request.malformed", () => rawOrder('{"lines":[')],
  ["an empty body", 400, "request.malformed", () => rawOrder("")],
  ["a body of 10 MB", 413, "request.too_large", () => rawOrder(tenMegabytes)],
  ["an unknown product", 422, "order.product_unknown", () => shopper.order(999_999_999, 1)],
  ["quantity 0", 400, "validation.failed", () => shopper.order(productId, 0)],
  ["quantity -1", 400, "validation.failed", () => shopper.order(productId, -1)],
  ["quantity 1e9", 400, "validation.failed", () => shopper.order(productId, 1e9)],
  ["quantity 1.5", 400, "validation.failed", () => shopper.order(productId, 1.5)],
  ["no lines", 400, "validation.failed", () => shopper.post("/orders", { lines: [] })],
  ["lines of another form", 400, "validation.failed", () => shopper.post("/orders", { lines: "all" })],
  ["a token cut short", 401, "token.malformed", () => orderWith(shopper.accessToken.slice(0, 40))],
  ["a signature cut short", 401, "token.invalid", () => orderWith(shopper.accessToken.slice(0, -86))],
  ["alg none", 401, "token.malformed", () => orderWith(withoutSignature())],
  ["no token", 401, "token.missing", () => system.edge.post("/orders", { lines: [] })],
  ["a token of somebody else's making", 401, "token.invalid", () => orderWith(withOtherClaims())],
];

for (const [what, status, code, send] of orders) {
  test(`an order with ${what} is refused with ${status} ${code}, and nothing is written`, async () => {
    const stockBefore = (await system.edge.get(`/products/${productId}`)).body.stock;
    assertProblem(await send(), status, code);
    assert.deepEqual((await system.edge.get(`/products/${productId}`)).body.stock, stockBefore);
    assert.deepEqual((await shopper.get("/orders")).body.items, []);
  });
}

test("an operator's faulty CIDR is refused and no list changes", async () => {
  for (const cidr of ["300.1.1.1/40", "1.2.3.4/33", "fe80::1%eth0", "10.0.0.0/8/8"]) {
    const refused = await system.ops.post("/lists/deny", { cidr, reason: "test" });
    assertProblem(refused, 422, "access.cidr_invalid");
  }
  assert.deepEqual((await system.ops.get("/lists/deny")).body.entries, []);
});

test("a faulty policy is refused with every fault and its place", async () => {
  const current = await system.ops.get("/policy");
  const refused = await system.ops.put(
    "/policy",
    {
      default: "maybe",
      rules: [{ id: "Bad Id", match: { country: ["germany"] }, action: "deny", mode: "enforce" }],
    },
    { headers: { "if-match": current.headers.get("etag") ?? "" } },
  );
  assert.equal(refused.status, 422, JSON.stringify(refused.body));
  const places = JSON.stringify(refused.body);
  for (const place of ["/default", "/rules/0/id", "/rules/0/match/country/0"])
    assert.ok(places.includes(place), places);
  assert.equal((await system.ops.get("/policy")).headers.get("etag"), current.headers.get("etag"));
});

test("the operators' listener answers nobody without its token", async () => {
  const refused = await system.ops.get("/policy", { headers: { authorization: "Bearer wrong" } });
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("content-type") ?? "", /^application\/problem\+json/);
});

test("what does not exist is 404, a wrong method 405, and headers of the edge's own are not believed", async () => {
  assertProblem(await system.edge.get("/nowhere"), 404, "route.not_found");
  assertProblem(await system.edge.get("/policy"), 404, "route.not_found");
  const wrong = await system.edge.delete("/products");
  assertProblem(wrong, 405, "method.not_allowed");
  assert.match(wrong.headers.get("allow") ?? "", /GET/);
  const forged = await system.edge.get("/orders", {
    headers: { "x-sluice-user-id": "1", "x-sluice-session-id": "1" },
  });
  assertProblem(forged, 401, "token.missing");
});

const BUYERS = 200;
const STOCK = 50;

test("two hundred parallel orders for fifty: exactly fifty are accepted", async () => {
  const { edge, ops } = system;
  const created = await ops.post("/products", {
    name: "Last of its kind",
    priceCents: 100,
    currency: "EUR",
    stock: STOCK,
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const shoppers = await Promise.all(Array.from({ length: 4 }, () => Shopper.join(edge)));
  const answers = await Promise.all(
    Array.from({ length: BUYERS }, (_, index) =>
      (shoppers[index % shoppers.length] as Shopper).order(created.body.id, 1),
    ),
  );
  const accepted = answers.filter((answer) => answer.status === 201);
  const refused = answers.filter((answer) => answer.status === 409);
  assert.equal(accepted.length, STOCK);
  assert.equal(refused.length, BUYERS - STOCK, JSON.stringify(answers.find((a) => a.status >= 500)?.body));
  assert.ok(refused.every((answer) => answer.body.code === "order.sold_out"));
  assert.equal(new Set(accepted.map((answer) => answer.body.id)).size, STOCK);
  const { code, output } = await system.audit();
  assert.equal(code, 0, output);
});

test("one idempotency key sent fifty times at once makes one order", async () => {
  const { edge, ops } = system;
  const created = await ops.post("/products", {
    name: "Once only",
    priceCents: 100,
    currency: "EUR",
    stock: 100,
  });
  const shopper = await Shopper.join(edge);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => shopper.order(created.body.id, 1, "the-one-key")),
  );
  const ids = new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.body.id));
  assert.equal(ids.size, 1);
  for (const answer of answers)
    assert.ok(answer.status === 201 || answer.status === 409, JSON.stringify(answer.body));
  const again = await shopper.order(created.body.id, 1, "the-one-key");
  assert.equal(again.status, 201);
  assert.ok(ids.has(again.body.id));
  const differently = await shopper.order(created.body.id, 2, "the-one-key");
  assert.equal(differently.status, 422, JSON.stringify(differently.body));
  assert.equal((await shopper.get("/orders")).body.items.length, 1);
});

function rawOrder(raw: string): Promise<Answer> {
  return system.edge.request("POST", "/orders", { token: shopper.accessToken, headers: asJson, raw });
}

function orderWith(token: string): Promise<Answer> {
  return system.edge.post("/orders", { lines: [{ productId, quantity: 1 }] }, { token });
}

function withoutSignature(): string {
  const [, claims] = shopper.accessToken.split(".");
  return `${encoded({ alg: "none", typ: "at+jwt" })}.${claims}.`;
}

function withOtherClaims(): string {
  const [header, claims = "", signature] = shopper.accessToken.split(".");
  const forged = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), sub: "1" };
  return `${header}.${encoded(forged)}.${signature}`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
