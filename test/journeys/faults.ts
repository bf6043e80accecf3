import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import { listen } from "../../origin/test/event-stream.ts";
import { eventually } from "../src/eventually.ts";
import { shareSystem } from "../src/journey-system.ts";
import { assertProblem } from "../src/problem.ts";
import { Shopper } from "../src/shopper.ts";
import { GIVEN_SYSTEM, type ProcessName, type System } from "../src/system.ts";

const ORDER_TTL_SECONDS = 3;
/** Whatever happened, an unpaid order has expired within so long after recovery. */
const EXPIRY_AFTER_FAULT_MS = ORDER_TTL_SECONDS * 1_000 + 15_000;
const RECOVERY_MS = 15_000;
const BANNED_ADDRESS = "198.51.100.9";

let system: System;

before(async () => {
  if (!GIVEN_SYSTEM) system = await shareSystem({ orderTtlSeconds: ORDER_TTL_SECONDS });
});

after(async () => {
  await system?.close();
});

const skip = GIVEN_SYSTEM ? "a given system is not killed by its tests" : false;

for (const victim of ["relay", "worker", "api"] satisfies ProcessName[]) {
  test(`kill -9 of ${victim} in the middle of an order's life: it still ends right`, { skip }, async () => {
    const { edge, ops } = system;
    const shopper = await Shopper.join(edge);
    const created = await ops.post("/products", {
      name: `Vase (${victim})`,
      priceCents: 700,
      currency: "EUR",
      stock: 9,
    });
    const productId: number = created.body.id;
    const unpaid = await shopper.order(productId, 2);
    assert.equal(unpaid.status, 201, JSON.stringify(unpaid.body));
    await system.kill(victim);

    // On a slow machine one or the other expires before it could be paid.
    let orderId: string | undefined;
    await eventually("an order can be placed again, and paid", RECOVERY_MS, async () => {
      if (orderId === undefined) {
        const placed = await shopper.order(productId, 1);
        orderId = placed.status === 201 ? placed.body.id : undefined;
        return undefined;
      }
      await shopper.post(`/orders/${orderId}/pay`);
      const { status } = (await shopper.get(`/orders/${orderId}`)).body;
      if (status === "EXPIRED") orderId = undefined;
      return status === "PAID" ? true : undefined;
    });
    await eventually("the unpaid one is EXPIRED", EXPIRY_AFTER_FAULT_MS, async () => {
      const order = await shopper.get(`/orders/${unpaid.body.id}`);
      return order.body.status === "EXPIRED" ? order : undefined;
    });
    await eventually("the cached page tells the truth", RECOVERY_MS, async () => {
      const { stock } = (await edge.get(`/products/${productId}`)).body;
      return stock.reserved === 0 && stock.available + stock.sold === 9 ? stock : undefined;
    });
    const { code, output } = await system.audit();
    assert.equal(code, 0, output);
  });
}

test("kill -9 of the edge's workers under a stream of events: whoever connects again has missed nothing", {
  skip,
}, async () => {
  const { edge, ops, edgeUrl } = system;
  const shopper = await Shopper.join(edge);
  const created = await ops.post("/products", { name: "Jug", priceCents: 500, currency: "EUR", stock: 9 });
  const before = await listen(edgeUrl, shopper.accessToken);
  const placed = await shopper.order(created.body.id, 1);
  const heard = [await before.next()];
  await system.killEdgeWorkers();
  // On a slow machine the order expires before the stream breaks.
  for (let event = await before.next(); event !== undefined; event = await before.next()) heard.push(event);

  // It ends while nobody listens, one way or the other, and another is placed.
  const ended = await eventually("it is cancelled or expired", RECOVERY_MS, async () => {
    await shopper.post(`/orders/${placed.body.id}/cancel`);
    const { status } = (await shopper.get(`/orders/${placed.body.id}`)).body;
    return status === "CANCELLED" || status === "EXPIRED" ? status : undefined;
  });
  const later = await shopper.order(created.body.id, 1);
  assert.equal(later.status, 201, JSON.stringify(later.body));
  const again = await eventually("it listens again", RECOVERY_MS, () =>
    listen(edgeUrl, shopper.accessToken, before.lastId()),
  );
  while (heard.at(-1)?.data.orderId !== later.body.id) {
    const event = await again.next();
    assert.notEqual(event, undefined, "the stream goes on");
    heard.push(event);
  }
  assert.deepEqual(
    heard.map((event) => [event?.data.orderId, event?.data.status]),
    [
      [placed.body.id, "PENDING_PAYMENT"],
      [placed.body.id, ended],
      [later.body.id, "PENDING_PAYMENT"],
    ],
  );
  await again.close();
});

test("kill -9 of relay: the policy stands, and what is published without it arrives later", {
  skip,
}, async () => {
  const { edge, ops } = system;
  const [ruled, banned, bannedLater] = ["198.51.100.21", "198.51.100.22", "198.51.100.23"];
  const statusOf = async (from: string, path = "/products") => (await edge.get(path, { from })).status;
  const before = (await ops.get("/policy")).headers.get("etag") as string;
  const match = { cidr: [ruled] };
  const document = {
    rules: [
      { id: "one-address", match, action: "deny", mode: "enforce", status: 451 },
      {
        id: "twice-an-hour",
        match: { pathPrefix: "/openapi.json" },
        action: "limit",
        mode: "enforce",
        limit: { key: "address", requests: 2, seconds: 3_600 },
      },
    ],
    default: "allow",
  };
  assert.equal((await ops.put("/policy", document, { headers: { "if-match": before } })).status, 200);
  await ops.post("/lists/deny", { cidr: banned, reason: "test" });
  await eventually("both are in force", RECOVERY_MS, async () =>
    (await statusOf(ruled)) === 451 && (await statusOf(banned)) === 403 ? true : undefined,
  );
  await system.kill("relay");
  await ops.post("/lists/deny", { cidr: bannedLater, reason: "test" });
  for (let i = 0; i < 20; i++) {
    assert.deepEqual([await statusOf(ruled), await statusOf(banned)], [451, 403]);
  }
  const limited = await Promise.all([1, 2, 3, 4].map(() => statusOf("198.51.100.24", "/openapi.json")));
  assert.deepEqual(limited.sort(), [200, 200, 429, 429]);
  await eventually("what was published meanwhile is in force", RECOVERY_MS, async () =>
    (await statusOf(bannedLater)) === 403 ? true : undefined,
  );
  assert.deepEqual([await statusOf(ruled), await statusOf(banned)], [451, 403]);
  assert.equal((await ops.post(`/policy/revisions/${before.replaceAll('"', "")}/restore`)).status, 200);
});

test("a Redis that hangs: cached reads and the deny list go on, protected routes answer 503", {
  skip,
}, async () => {
  const { edge, ops } = system;
  const shopper = await Shopper.join(edge);
  const created = await ops.post("/products", { name: "Bowl", priceCents: 300, currency: "EUR", stock: 3 });
  const page = `/products/${created.body.id}`;
  assert.equal((await ops.post("/lists/deny", { cidr: BANNED_ADDRESS, reason: "test" })).status, 201);
  await eventually("the ban is live", RECOVERY_MS, async () =>
    (await edge.get("/products", { from: BANNED_ADDRESS })).status === 403 ? true : undefined,
  );
  // Each worker has a memory of its own: some hits in a row say that both hold the page.
  let hits = 0;
  await eventually("the page is in the workers' memory", RECOVERY_MS, async () => {
    const hit = (await edge.get(page)).headers.get("x-sluice-cache") === "hit-worker";
    hits = hit ? hits + 1 : 0;
    return hits >= 20 ? true : undefined;
  });

  await system.pause("redis");
  try {
    const refused = await eventually("protected routes are refused", RECOVERY_MS, async () => {
      const answer = await shopper.get("/orders");
      return answer.status === 503 ? answer : undefined;
    });
    assertProblem(refused, 503);
    for (let i = 0; i < 20; i++) {
      assert.equal((await edge.get(page)).status, 200);
      assertProblem(await edge.get(page, { from: BANNED_ADDRESS }), 403, "access.denied");
    }
  } finally {
    await system.resume("redis");
  }
  await eventually("protected routes are back", RECOVERY_MS, async () =>
    (await shopper.get("/orders")).status === 200 ? true : undefined,
  );
});

test("a revocation reaches every edge worker: those cut off from Redis at the time, and after Redis was wiped", {
  skip,
}, async () => {
  const { edge, ops } = system;
  const redis = new Redis(system.redisUrl);
  const outcomeOf = async (who: Shopper) => {
    const { status, body } = await edge.get("/orders", {
      token: who.accessToken,
      headers: { connection: "close" },
    });
    return status === 200 ? "passes" : body.code;
  };
  /** Each answer comes over a connection of its own, which the kernel gives to either worker. */
  const everywhere = (who: Shopper, outcome: string) =>
    eventually(`every worker says ${outcome}`, RECOVERY_MS, async () => {
      for (let i = 0; i < 20; i++) if ((await outcomeOf(who)) !== outcome) return undefined;
      return true;
    });
  try {
    const [revoked, cutOff, stays] = await Promise.all([1, 2, 3].map(() => Shopper.join(edge)));
    if (revoked === undefined || cutOff === undefined || stays === undefined) return assert.fail();
    for (const one of [revoked, cutOff, stays]) await everywhere(one, "passes");
    const revoke = async (who: Shopper) => {
      const { body } = await ops.post("/sessions/revoke", { userId: userOf(who) });
      // Joining signs in twice.
      assert.deepEqual(body, { revoked: 2 });
    };
    await revoke(revoked);
    await everywhere(revoked, "session.revoked");

    const workers = await system.edgeWorkers();
    assert.equal(workers.length, 2);
    // One of them sleeps through it, and wakes to connections that are gone; the other loses its own in that moment.
    const sleeper = workers[0] as number;
    process.kill(sleeper, "SIGSTOP");
    try {
      await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await revoke(cutOff);
    } finally {
      process.kill(sleeper, "SIGCONT");
    }
    await everywhere(cutOff, "session.revoked");
    assert.equal(await outcomeOf(stays), "passes");

    await redis.flushall();
    await everywhere(stays, "passes");
    for (const one of [revoked, cutOff]) await everywhere(one, "session.revoked");
  } finally {
    redis.disconnect();
  }
});

function userOf({ accessToken }: Shopper): number {
  const { sub } = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString());
  return Number(sub);
}

test("a Redis that is killed comes back and all is well within seconds", { skip }, async () => {
  const { edge } = system;
  const shopper = await Shopper.join(edge);
  await system.kill("redis");
  await eventually("protected routes are back", RECOVERY_MS, async () =>
    (await shopper.get("/orders")).status === 200 ? true : undefined,
  );
  assertProblem(await edge.get("/products", { from: BANNED_ADDRESS }), 403, "access.denied");
  const { code, output } = await system.audit();
  assert.equal(code, 0, output);
});
