import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestShop } from "../../../test/start-shop.ts";

const services = await startTestServices();
const database = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const shop = await startTestShop(
  { mysqlUrl: database.url, redisUrl: prefix.url, redisPrefix: prefix.prefix, rabbitmqUrl: vhost.url },
  {},
  { ORDER_TTL_SECONDS: "300" },
);

after(async () => {
  await shop.close();
  await prefix.close();
  await vhost.close();
  await database.close();
  await services.close();
});

test("an order takes the prices of the moment, sums duplicate lines and reserves the pieces", async () => {
  const buyer = await shop.join();
  const tea = await shop.product(10, 250);
  const pot = await shop.product(3, 4_000);
  const placed = await buyer.order([
    { productId: pot, quantity: 1 },
    { productId: tea, quantity: 2 },
    { productId: tea, quantity: 3 },
  ]);
  assert.equal(placed.status, 201, JSON.stringify(placed.body));
  assert.equal(placed.body.status, "PENDING_PAYMENT");
  assert.equal(placed.body.totalCents, 5 * 250 + 4_000);
  assert.equal(Date.parse(placed.body.expiresAt) - Date.parse(placed.body.createdAt), 300_000);
  assert.deepEqual(placed.body.lines, [
    { productId: tea, quantity: 5, unitPriceCents: 250 },
    { productId: pot, quantity: 1, unitPriceCents: 4_000 },
  ]);
  await shop.api.operator("PATCH", `/products/${tea}`, { priceCents: 999 });
  const found = await buyer.get(`/orders/${placed.body.id}`);
  assert.deepEqual(found.body, placed.body, "a later price changes no order");
  assert.deepEqual(await shop.stockOf(tea), { total: 10, available: 5, reserved: 5, sold: 0 });
});

test("two lines that fit one by one but not together are refused, and nothing is written", async () => {
  const buyer = await shop.join();
  const product = await shop.product(5);
  const refused = await buyer.order([
    { productId: product, quantity: 3 },
    { productId: product, quantity: 3 },
  ]);
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, "order.sold_out");
  assert.equal(refused.body.productId, product);
  assert.deepEqual(await shop.stockOf(product), { total: 5, available: 5, reserved: 0, sold: 0 });
  assert.deepEqual((await buyer.get("/orders")).body, { items: [], nextCursor: null });
});

const someProduct = await shop.product(5);
const faults: [string, unknown, number, string][] = [
  ["an unknown product", { lines: [{ productId: 999_999, quantity: 1 }] }, 422, "order.product_unknown"],
  ["quantity 0", { lines: [{ productId: someProduct, quantity: 0 }] }, 400, "validation.failed"],
  ["quantity -1", { lines: [{ productId: someProduct, quantity: -1 }] }, 400, "validation.failed"],
  ["quantity 1e9", { lines: [{ productId: someProduct, quantity: 1e9 }] }, 400, "validation.failed"],
  ["no lines", { lines: [] }, 400, "validation.failed"],
  [
    "51 lines",
    { lines: Array.from({ length: 51 }, () => ({ productId: someProduct, quantity: 1 })) },
    400,
    "validation.failed",
  ],
  [
    "lines that sum to more than an order may have",
    { lines: Array.from({ length: 2 }, () => ({ productId: someProduct, quantity: 60 })) },
    422,
    "order.quantity_too_large",
  ],
  ["a member that nobody knows", { lines: [], priceCents: 1 }, 400, "validation.failed"],
];

for (const [what, body, status, code] of faults) {
  test(`an order with ${what} is refused by ${status} ${code}`, async () => {
    const buyer = await shop.join();
    const refused = await buyer.post("/orders", body);
    assert.equal(refused.status, status, JSON.stringify(refused.body));
    assert.equal(refused.body.code, code);
    assert.deepEqual((await buyer.get("/orders")).body.items, []);
  });
}

test("200 parallel orders for 50 pieces: exactly 50 are accepted", async () => {
  const buyers = await Promise.all(Array.from({ length: 4 }, () => shop.join()));
  const product = await shop.product(50);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      buyers[index % buyers.length]?.order([{ productId: product, quantity: 1 }]),
    ),
  );
  const statuses = answers.map((answer) => answer?.status);
  assert.equal(statuses.filter((status) => status === 201).length, 50);
  assert.equal(statuses.filter((status) => status === 409).length, 150);
  assert.deepEqual(await shop.stockOf(product), { total: 50, available: 0, reserved: 50, sold: 0 });
  await shop.auditIsClean();
});

test("orders of the same products in opposite order don't deadlock each other away", async () => {
  const buyer = await shop.join();
  const [a, b] = [await shop.product(100), await shop.product(100)];
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) => {
      const lines = [
        { productId: a, quantity: 1 },
        { productId: b, quantity: 1 },
      ];
      return buyer.order(index % 2 === 0 ? lines : lines.reverse());
    }),
  );
  assert.ok(answers.every((answer) => answer.status === 201));
  assert.equal((await shop.stockOf(a)).reserved, 60);
});

test("one key sent 20 times at once makes one order, and later gives the same bytes", async () => {
  const buyer = await shop.join();
  const product = await shop.product(100);
  const lines = [{ productId: product, quantity: 2 }];
  const answers = await Promise.all(Array.from({ length: 20 }, () => buyer.order(lines, "the-key")));
  const placed = answers.filter((answer) => answer.status === 201);
  assert.equal(new Set(placed.map((answer) => answer.body.id)).size, 1);
  for (const answer of answers) {
    assert.ok(
      answer.status === 201 || answer.body.code === "idempotency.in_flight",
      JSON.stringify(answer.body),
    );
  }
  const again = await buyer.order(lines, "the-key");
  assert.equal(again.status, 201);
  assert.deepEqual(again.body, placed[0]?.body);
  assert.equal(again.headers.get("idempotent-replayed"), "true");
  assert.equal((await shop.stockOf(product)).reserved, 2);
});

test("a key belongs to one request and one user, for a day", async () => {
  const [buyer, other] = [await shop.join(), await shop.join()];
  const product = await shop.product(100);
  const first = await buyer.order([{ productId: product, quantity: 1 }], "k");
  assert.equal(first.status, 201);
  const different = await buyer.order([{ productId: product, quantity: 2 }], "k");
  assert.equal(different.status, 422);
  assert.equal(different.body.code, "idempotency.key_reused");
  const others = await other.order([{ productId: product, quantity: 2 }], "k");
  assert.equal(others.status, 201);
  await shop.api.operator("PATCH", `/products/${product}`, { status: "retired" });
  const replayed = await buyer.order([{ productId: product, quantity: 1 }], "k");
  assert.deepEqual(replayed.body, first.body, "the answer outlives the product");
  const malformed = await buyer.order([{ productId: product, quantity: 1 }], "with space");
  assert.equal(malformed.body.code, "idempotency.key_malformed");
});

test("a key gives its answer again when everything is sold out meanwhile", async () => {
  const buyer = await shop.join();
  const product = await shop.product(2);
  const lines = [{ productId: product, quantity: 2 }];
  const first = await buyer.order(lines, "the-last");
  assert.equal(first.status, 201);
  assert.equal((await buyer.order(lines, "another")).body.code, "order.sold_out");
  assert.deepEqual((await buyer.order(lines, "the-last")).body, first.body);
  await buyer.post(`/orders/${first.body.id}/cancel`);
  assert.equal((await buyer.order(lines, "another")).status, 201, "a refusal is not kept under its key");
});

test("paying sells the pieces, and a second payment is refused", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 4 }]);
  const paid = await buyer.post(`/orders/${order.id}/pay`);
  assert.equal(paid.status, 200, JSON.stringify(paid.body));
  assert.equal(paid.body.status, "PAID");
  assert.deepEqual(await shop.stockOf(product), { total: 10, available: 6, reserved: 0, sold: 4 });
  for (const step of ["pay", "cancel"]) {
    const refused = await buyer.post(`/orders/${order.id}/${step}`);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, step === "pay" ? "order.not_payable" : "order.not_cancellable");
  }
  await shop.auditIsClean();
});

test("ten payments of one order at once charge it once", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 1 }]);
  const answers = await Promise.all(Array.from({ length: 10 }, () => buyer.post(`/orders/${order.id}/pay`)));
  assert.ok(answers.some((answer) => answer.status === 200));
  for (const answer of answers) assert.ok(answer.status === 200 || answer.status === 409);
  assert.equal((await shop.stockOf(product)).sold, 1);
  await shop.auditIsClean();
});

test("a declined payment leaves the pieces reserved, and another attempt may succeed", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 1 }]);
  const declined = await buyer.post(`/orders/${order.id}/pay`, { method: "sandbox:declined" });
  assert.equal(declined.status, 402, JSON.stringify(declined.body));
  assert.equal(declined.body.code, "payment.declined");
  assert.equal((await buyer.get(`/orders/${order.id}`)).body.status, "FAILED_PAYMENT");
  assert.equal((await shop.stockOf(product)).reserved, 1);
  const paid = await buyer.post(`/orders/${order.id}/pay`, { method: "sandbox" });
  assert.equal(paid.body.status, "PAID");
  await shop.auditIsClean();
});

test("cancelling gives the pieces back once, however often it is asked for", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 4 }]);
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => buyer.post(`/orders/${order.id}/cancel`)),
  );
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  assert.equal(answers.filter((answer) => answer.body.code === "order.not_cancellable").length, 9);
  assert.deepEqual(await shop.stockOf(product), { total: 10, available: 10, reserved: 0, sold: 0 });
  await shop.auditIsClean();
});

test("a refund pays back, once, and puts the pieces on sale again", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 4 }]);
  const early = await buyer.post(`/orders/${order.id}/refund`);
  assert.equal(early.body.code, "order.not_refundable");
  await buyer.post(`/orders/${order.id}/pay`);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => buyer.post(`/orders/${order.id}/refund`)),
  );
  assert.equal(answers.filter((answer) => answer.body.status === "REFUNDED").length, 1);
  assert.equal(answers.filter((answer) => answer.status === 409).length, 4);
  assert.deepEqual(await shop.stockOf(product), { total: 10, available: 10, reserved: 0, sold: 0 });
  await shop.auditIsClean();
});

test("an order of somebody else is not found, whatever is asked of it", async () => {
  const [buyer, stranger] = [await shop.join(), await shop.join()];
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 1 }]);
  const answers = [
    await stranger.get(`/orders/${order.id}`),
    await stranger.post(`/orders/${order.id}/pay`),
    await stranger.post(`/orders/${order.id}/cancel`),
    await stranger.post(`/orders/${order.id}/refund`),
    await buyer.get("/orders/not-an-order"),
    await buyer.get(`/orders/${order.id}%20`),
    await buyer.get("/orders/%C3%A9"),
    await buyer.post("/orders/%C3%A9/pay"),
    await buyer.post("/orders/%C3%A9/cancel"),
    await buyer.post("/orders/%C3%A9/refund"),
  ];
  for (const { status, body } of answers) assert.deepEqual([status, body.code], [404, "order.not_found"]);
});

test("a list takes the parameters that it knows, and no others", async () => {
  const buyer = await shop.join();
  for (const query of ["status=PAID", "limit=5&page=2", "limit=1e0", "limit=true"]) {
    const { status, body } = await buyer.get(`/orders?${query}`);
    assert.deepEqual([status, body.code], [400, "validation.failed"], query);
  }
});

test("orders are listed newest first, page by page, each once", async () => {
  const buyer = await shop.join();
  const product = await shop.product(100);
  const placed: string[] = [];
  for (let i = 0; i < 7; i++) {
    placed.unshift((await buyer.order([{ productId: product, quantity: 1 }])).body.id);
  }
  const seen: string[] = [];
  let query = "?limit=3";
  for (;;) {
    const page = await buyer.get(`/orders${query}`);
    assert.equal(page.status, 200);
    seen.push(...page.body.items.map((order: { id: string }) => order.id));
    if (page.body.nextCursor === null) break;
    query = `?limit=3&cursor=${encodeURIComponent(page.body.nextCursor)}`;
  }
  assert.deepEqual(seen, placed);
  assert.equal((await buyer.get("/orders?cursor=nonsense")).body.code, "order.cursor_invalid");
});

test("an operator adds pieces and takes away no more than are available", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  await buyer.order([{ productId: product, quantity: 4 }]);
  const path = `/products/${product}/stock`;
  const added = await shop.api.operator("POST", path, { delta: 5, reason: "delivery" });
  assert.deepEqual(added.body, { productId: product, total: 15, available: 11, reserved: 4, sold: 0 });
  const tooMany = await shop.api.operator("POST", path, { delta: -12, reason: "shrinkage" });
  assert.equal(tooMany.body.code, "stock.too_low");
  const taken = await shop.api.operator("POST", path, { delta: -11, reason: "shrinkage" });
  assert.equal(taken.body.available, 0);
  const unknown = await shop.api.operator("POST", "/products/999999/stock", { delta: 1, reason: "?" });
  assert.equal(unknown.body.code, "stock.product_unknown");
  await shop.auditIsClean();
});

test("operators read who moved a product's pieces, why, and for which order, page by page", async () => {
  const buyer = await shop.join();
  const product = await shop.product(10);
  const { body: order } = await buyer.order([{ productId: product, quantity: 4 }]);
  await buyer.post(`/orders/${order.id}/cancel`);
  const path = `/products/${product}/stock`;
  const first = await shop.api.operator("GET", `${path}?limit=2`);
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.deepEqual(first.body.stock, { total: 10, available: 10, reserved: 0, sold: 0 });
  const rest = await shop.api.operator("GET", `${path}?limit=2&before=${first.body.nextBefore}`);
  const movements = [...first.body.movements, ...rest.body.movements];
  assert.deepEqual(
    movements.map(({ kind, quantity, orderId, reason }) => [kind, quantity, orderId, reason]),
    [
      ["RELEASE", 4, order.id, "cancelled"],
      ["RESERVE", 4, order.id, "placed"],
      ["RECEIVE", 10, null, movements[2]?.reason],
    ],
  );
  assert.deepEqual([movements[0].actor, movements[2].actor], [`user:${buyer.id}`, "operator:operator"]);
  assert.equal(rest.body.nextBefore, null);
  const unknown = await shop.api.operator("GET", "/products/999999/stock");
  assert.equal(unknown.body.code, "stock.product_unknown");
});
