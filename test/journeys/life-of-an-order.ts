import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../src/eventually.ts";
import { shareSystem } from "../src/journey-system.ts";
import { assertProblem } from "../src/problem.ts";
import { Shopper } from "../src/shopper.ts";
import type { System } from "../src/system.ts";

/** A documentation address (RFC 5737) that nobody else in these tests uses. */
const BANNED_ADDRESS = "203.0.113.77";
const ADDRESS_IN_JAPAN = "133.1.1.1";
const ADDRESS_IN_GERMANY = "46.4.0.1";

const ORDER_TTL_SECONDS = 3;
/** A change is at the edge within 50 ms (p99); a second leaves room for a noisy machine. */
const PROPAGATION_MS = 1_000;
/** An order has expired within a second after its time. */
const EXPIRY_MS = (ORDER_TTL_SECONDS + 1) * 1_000 + PROPAGATION_MS;

let system: System;

before(async () => {
  system = await shareSystem({ orderTtlSeconds: ORDER_TTL_SECONDS });
});

after(async () => {
  await system?.close();
});

test("an order lives its whole life through the edge", async (t) => {
  const { edge, ops } = system;
  const shopper = await Shopper.join(edge);
  const created = await ops.post("/products", {
    name: "Kettle",
    priceCents: 4_900,
    currency: "EUR",
    stock: 10,
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const productId: number = created.body.id;
  const availableAt = async (): Promise<number | undefined> => {
    const page = await edge.get(`/products/${productId}`);
    return page.status === 200 ? page.body.stock.available : undefined;
  };

  await t.test("browsing: the list and a page that the edge answers by itself", async () => {
    const list = await edge.get("/products?limit=5");
    assert.equal(list.status, 200);
    assert.equal(list.body.items.length, 5);
    assert.equal(typeof list.body.nextCursor, "string");
    const next = await edge.get(`/products?limit=5&cursor=${encodeURIComponent(list.body.nextCursor)}`);
    assert.equal(next.status, 200);
    assert.notEqual(next.body.items[0].id, list.body.items[0].id);
    await eventually("the page is answered from a worker's memory", PROPAGATION_MS, async () => {
      const page = await edge.get(`/products/${productId}`);
      assert.equal(page.status, 200);
      assert.equal(page.body.stock.available, 10);
      return page.headers.get("x-sluice-cache") === "hit-worker" ? page : undefined;
    });
  });

  await t.test("a denied country is refused, and only that", async () => {
    const before = await ops.get("/policy");
    const published = await ops.put(
      "/policy",
      {
        default: "allow",
        rules: [{ id: "no-japan", match: { country: ["JP"] }, action: "deny", mode: "enforce", status: 451 }],
      },
      { headers: { "if-match": before.headers.get("etag") ?? "" } },
    );
    assert.equal(published.status, 200, JSON.stringify(published.body));
    await eventually("the rule is live", PROPAGATION_MS, async () => {
      const refused = await edge.get("/products", { from: ADDRESS_IN_JAPAN });
      return refused.status === 451 && refused.body.code === "access.denied" ? refused : undefined;
    });
    assert.equal((await edge.get("/products", { from: ADDRESS_IN_GERMANY })).status, 200);
    const revision = (before.headers.get("etag") as string).replaceAll('"', "");
    const restored = await ops.post(`/policy/revisions/${revision}/restore`);
    assert.equal(restored.status, 200, JSON.stringify(restored.body));
    await eventually("the country may come again", PROPAGATION_MS, async () =>
      (await edge.get("/products", { from: ADDRESS_IN_JAPAN })).status === 200 ? true : undefined,
    );
  });

  await t.test("a banned address is refused until the operator lifts the ban", async () => {
    assert.equal((await edge.get("/products", { from: BANNED_ADDRESS })).status, 200);
    const banned = await ops.post("/lists/deny", { cidr: "203.0.113.0/24", reason: "scraping" });
    assert.equal(banned.status, 201, JSON.stringify(banned.body));
    const refused = await eventually("the ban is live", PROPAGATION_MS, async () => {
      const answer = await edge.get("/products", { from: BANNED_ADDRESS });
      return answer.status === 403 ? answer : undefined;
    });
    assertProblem(refused, 403, "access.denied");
    const explained = await ops.post("/policy/explain", {
      ip: BANNED_ADDRESS,
      method: "GET",
      path: "/products",
    });
    assert.equal(explained.status, 200, JSON.stringify(explained.body));
    assert.match(JSON.stringify(explained.body), /deny-list/);

    const lifted = await ops.delete(`/lists/deny?cidr=${encodeURIComponent("203.0.113.0/24")}`);
    assert.ok(lifted.status === 200 || lifted.status === 204, JSON.stringify(lifted.body));
    await eventually("the ban is lifted", PROPAGATION_MS, async () => {
      const answer = await edge.get("/products", { from: BANNED_ADDRESS });
      return answer.status === 200 ? answer : undefined;
    });
  });

  await t.test("an unpaid order holds stock, then expires and gives it back", async () => {
    const placed = await shopper.order(productId, 4);
    assert.equal(placed.status, 201, JSON.stringify(placed.body));
    assert.equal(placed.body.status, "PENDING_PAYMENT");
    assert.equal(placed.body.totalCents, 4 * 4_900);
    const expiresAt = Date.parse(placed.body.expiresAt);
    await eventually("stock falls on the cached page", PROPAGATION_MS, async () =>
      (await availableAt()) === 6 ? true : undefined,
    );
    const expired = await eventually("the order is EXPIRED", EXPIRY_MS, async () => {
      const order = await shopper.get(`/orders/${placed.body.id}`);
      assert.equal(order.status, 200);
      if (order.body.status === "EXPIRED")
        assert.ok(Date.now() >= expiresAt, "an order expired before its time");
      return order.body.status === "EXPIRED" ? order : undefined;
    });
    assert.equal(expired.body.id, placed.body.id);
    await eventually("the stock is back on the cached page", PROPAGATION_MS, async () =>
      (await availableAt()) === 10 ? true : undefined,
    );
    assertProblem(await shopper.post(`/orders/${placed.body.id}/pay`), 409);
  });

  await t.test("a paid order stays paid", async () => {
    const placed = await shopper.order(productId, 1);
    assert.equal(placed.status, 201, JSON.stringify(placed.body));
    const paid = await shopper.post(`/orders/${placed.body.id}/pay`);
    assert.ok(paid.status === 200 || paid.status === 202, JSON.stringify(paid.body));
    await eventually("the order is PAID", PROPAGATION_MS, async () => {
      const order = await shopper.get(`/orders/${placed.body.id}`);
      return order.body.status === "PAID" ? order : undefined;
    });
    const own = await shopper.get("/orders");
    assert.deepEqual(
      own.body.items.map((order: { status: string }) => order.status),
      ["PAID", "EXPIRED"],
    );
    const page = await eventually("the sale shows on the page", PROPAGATION_MS, async () => {
      const answer = await edge.get(`/products/${productId}`);
      return answer.body.stock.sold === 1 ? answer : undefined;
    });
    assert.deepEqual(page.body.stock, { total: 10, available: 9, reserved: 0, sold: 1 });
  });

  await t.test("others do not see it", async () => {
    const stranger = await Shopper.join(edge);
    const own = await shopper.get("/orders");
    assertProblem(await stranger.get(`/orders/${own.body.items[0].id}`), 404);
  });

  await t.test("after logout the same access token is refused", async () => {
    assert.equal((await shopper.get("/orders")).status, 200);
    const out = await edge.post("/auth/logout", { refreshToken: shopper.refreshToken });
    assert.ok(out.status === 200 || out.status === 204, JSON.stringify(out.body));
    const refused = await eventually("the session is over at the edge", PROPAGATION_MS, async () => {
      const answer = await shopper.get("/orders");
      return answer.status === 401 ? answer : undefined;
    });
    assertProblem(refused, 401, "session.revoked");
    assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer /);
  });

  await t.test("the books are right", async () => {
    const { code, output } = await system.audit();
    assert.equal(code, 0, output);
  });
});
