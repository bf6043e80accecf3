import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AccessEntry } from "@sluice/contract/change.ts";
import {
  type EdgeUnderTest,
  FROM_FRANCE_IPV6,
  FROM_GERMANY,
  FROM_KOREA,
  FROM_NOWHERE,
  startEdge,
} from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { type RedisUnderTest, startRedis } from "./redis-under-test.ts";

const LOGIN = "/auth/login";

describe("access policy and lists", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: 2 });
    await edge.untilReady();
    // Both workers: the kernel spreads connections between them.
    await settles(FROM_GERMANY, 200);
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  const login = (address: string) => edge.from(address, LOGIN, { method: "POST" });

  /** Every worker answers so: twenty requests in a row, each on a connection of its own. */
  async function settles(address: string, status: number): Promise<void> {
    await until(`${address} gets ${status}`, async () => {
      for (let i = 0; i < 20; i++) if ((await login(address)).status !== status) return false;
      return true;
    });
  }

  test("without a policy published, everybody may pass", async () => {
    for (const address of [FROM_GERMANY, FROM_KOREA, FROM_FRANCE_IPV6, FROM_NOWHERE]) {
      assert.equal((await login(address)).status, 200, address);
    }
  });

  test("a country rule denies at once, without a reload, and is lifted so", async () => {
    await redis.policy(1, {
      rules: [
        { id: "no-kp", match: { country: ["KP", "FR"] }, action: "deny", mode: "enforce", status: 451 },
      ],
      default: "allow",
    });
    await settles(FROM_KOREA, 451);
    await settles(FROM_FRANCE_IPV6, 451);
    assert.equal((await login(FROM_GERMANY)).status, 200);
    const problem = (await login(FROM_KOREA)).json();
    assert.equal(problem.code, "access.denied");
    assert.equal(problem.status, 451);
    await redis.policy(2, { rules: [], default: "allow" });
    await settles(FROM_KOREA, 200);
  });

  test("rules see method and path, and 404 makes the site look empty", async () => {
    await redis.policy(3, {
      rules: [
        {
          id: "hide-login",
          match: { country: ["DE"], method: ["POST"], pathPrefix: "/auth/" },
          action: "deny",
          mode: "enforce",
          status: 404,
        },
        { id: "watched", match: {}, action: "deny", mode: "observe" },
      ],
      default: "allow",
    });
    await settles(FROM_GERMANY, 404);
    assert.equal((await login(FROM_GERMANY)).json().code, "route.not_found");
    assert.equal((await edge.from(FROM_GERMANY, "/openapi.json")).status, 200);
    const [record] = await edge.decisions(1, (one) => one.rule === "hide-login");
    assert.equal(record?.verdict, "rule");
    assert.equal(record?.country, "DE");
    await redis.policy(4, { rules: [], default: "allow" });
    await settles(FROM_GERMANY, 200);
  });

  test("rules see continent, blocks, host and what may not hold, and end by themselves", async () => {
    const endsAt = new Date(Date.now() + 3_000).toISOString();
    await redis.policy(5, {
      rules: [
        {
          id: "guests",
          match: { continent: ["EU"], not: { cidr: [FROM_GERMANY], host: ["*.partner.example"] } },
          action: "deny",
          mode: "enforce",
          endsAt,
        },
        { id: "block", match: { cidr: ["203.0.113.8/29"] }, action: "deny", mode: "enforce", status: 451 },
      ],
      default: "allow",
    });
    await settles(FROM_KOREA, 451);
    assert.equal((await login(FROM_FRANCE_IPV6)).status, 403);
    assert.equal((await login(FROM_GERMANY)).status, 200);
    assert.equal((await login("203.0.113.7")).status, 200);
    for (const [host, status] of [
      ["A.Partner.example:8080", 200],
      ["partner.example", 403],
    ] as const) {
      const answer = await edge.from("198.51.100.8", LOGIN, { method: "POST", host });
      assert.equal(answer.status, status, host);
    }
    await settles(FROM_FRANCE_IPV6, 200);
    await redis.policy(6, { rules: [], default: "allow" });
    await settles(FROM_KOREA, 200);
  });

  test("a policy that cannot be read leaves the one before in force", async () => {
    await redis.policy(7, {
      rules: [{ id: "no-kp", match: { country: ["KP"] }, action: "deny", mode: "enforce" }],
      default: "allow",
    });
    await settles(FROM_KOREA, 403);
    await redis.policy(8, { rules: "none" } as never);
    await until("the edge says so", () => edge.log().includes("policy revision 8 cannot be used"));
    assert.equal((await login(FROM_KOREA)).status, 403);
    await redis.policy(9, { rules: [], default: "allow" });
    await settles(FROM_KOREA, 200);
  });

  test("the deny list, IPv4 and IPv6, and the allow list before it", async () => {
    await redis.entry(entry(1, "deny", "198.51.100.0/24", 1));
    await settles(FROM_GERMANY, 403);
    await redis.entry(entry(2, "deny", "2001:db8::/48", 1));
    await settles(FROM_FRANCE_IPV6, 403);
    await redis.entry(entry(3, "allow", FROM_GERMANY, 1));
    await settles(FROM_GERMANY, 200);
    assert.equal((await login("198.51.100.8")).status, 403);
    for (const [id, list, cidr] of [
      [1, "deny", "198.51.100.0/24"],
      [2, "deny", "2001:db8::/48"],
      [3, "allow", FROM_GERMANY],
    ] as const) {
      await redis.entry({ ...entry(id, list, cidr, 2), removed: true });
    }
    await settles("198.51.100.8", 200);
    await settles(FROM_FRANCE_IPV6, 200);
  });

  test("an older version of an entry changes nothing", async () => {
    await redis.entry(entry(10, "deny", FROM_NOWHERE, 5));
    await settles(FROM_NOWHERE, 403);
    await redis.entry({ ...entry(10, "deny", FROM_NOWHERE, 4), removed: true });
    await redis.entry(entry(11, "deny", FROM_KOREA, 1));
    await settles(FROM_KOREA, 403);
    assert.equal((await login(FROM_NOWHERE)).status, 403);
    await redis.entry({ ...entry(10, "deny", FROM_NOWHERE, 6), removed: true });
    await redis.entry({ ...entry(11, "deny", FROM_KOREA, 2), removed: true });
    await settles(FROM_NOWHERE, 200);
    await settles(FROM_KOREA, 200);
  });

  test("of two entries for one block the longer one holds, and each can be lifted alone", async () => {
    const soon = Date.now() + 60_000;
    await redis.entry({ ...entry(20, "deny", FROM_NOWHERE, 1), expiresAtMs: soon });
    await redis.entry(entry(21, "deny", FROM_NOWHERE, 1));
    await settles(FROM_NOWHERE, 403);
    await redis.entry({ ...entry(21, "deny", FROM_NOWHERE, 2), removed: true });
    await redis.entry(entry(22, "deny", FROM_KOREA, 1));
    await settles(FROM_KOREA, 403);
    assert.equal((await login(FROM_NOWHERE)).status, 403);
    await redis.entry({ ...entry(20, "deny", FROM_NOWHERE, 2), removed: true });
    await redis.entry({ ...entry(22, "deny", FROM_KOREA, 2), removed: true });
    await settles(FROM_NOWHERE, 200);
  });

  test("an entry ends by itself", async () => {
    await redis.entry({ ...entry(30, "deny", FROM_NOWHERE, 1), expiresAtMs: Date.now() + 1_000 });
    await settles(FROM_NOWHERE, 403);
    await settles(FROM_NOWHERE, 200);
  });

  test("an address that a client made up is not believed when the peer is no trusted proxy", async () => {
    const direct = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      env: { EDGE_TRUSTED_PROXIES: "10.0.0.0/8" },
    });
    try {
      await direct.untilReady();
      await redis.entry(entry(40, "deny", FROM_KOREA, 1));
      await settles(FROM_KOREA, 403);
      assert.equal((await direct.from(FROM_KOREA, LOGIN, { method: "POST" })).status, 200);
      assert.equal(origin.seen.at(-1)?.headers["x-forwarded-for"], "127.0.0.1");
      assert.equal(origin.seen.at(-1)?.headers["x-sluice-client-address"], "127.0.0.1");
    } finally {
      await direct.close();
    }
  });

  test("behind trusted proxies the right-most address that is not one of them counts", async () => {
    assert.equal((await login(`${FROM_KOREA}, ${FROM_GERMANY}, 127.0.0.1`)).status, 200);
    assert.equal((await login(`${FROM_GERMANY}, ${FROM_KOREA}`)).status, 403);
    const answer = await ask(edge.port, LOGIN, { method: "POST", headers: ["x-forwarded-for", "nonsense"] });
    assert.equal(answer.status, 200);
    assert.equal(origin.seen.at(-1)?.headers["x-sluice-client-address"], "127.0.0.1");
  });

  test("headers that are the edge's own are taken off, traces go on, ids are made here", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await edge.from(FROM_GERMANY, LOGIN, {
      method: "POST",
      headers: [
        "X-Sluice-Country",
        "KP",
        "x-sluice-anything",
        "at all",
        "x-sluice-client-address",
        "1.2.3.4",
        "X-Request-Id",
        "mine",
        "traceparent",
        traceparent,
      ],
    });
    const headers = origin.seen.at(-1)?.headers ?? {};
    assert.equal(headers["x-sluice-country"], "DE");
    assert.equal(headers["x-sluice-client-address"], FROM_GERMANY);
    assert.equal(headers["x-sluice-anything"], undefined);
    assert.equal(headers.traceparent, traceparent);
    assert.match(String(headers["x-request-id"]), /^[0-9a-f]{8}-\d+\.\d{3}-\d+-\d+$/);
    assert.equal(answer.headers["x-request-id"], headers["x-request-id"]);
    await edge.from(FROM_GERMANY, LOGIN, { method: "POST", headers: ["traceparent", "00-zz-1-01"] });
    assert.equal(origin.seen.at(-1)?.headers.traceparent, undefined);
  });
});

function entry(id: number, list: "allow" | "deny", cidr: string, version: number): AccessEntry {
  return { id, list, cidr, expiresAtMs: 0, removed: false, version };
}
