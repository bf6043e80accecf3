import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Shopper } from "../src/shopper.ts";
import { type System, startSystem } from "../src/system.ts";

const BUYERS = 200;
const STOCK = 50;

let system: System;

before(async () => {
  system = await startSystem({ orderTtlSeconds: 600 });
});

after(async () => {
  await system?.close();
});

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
