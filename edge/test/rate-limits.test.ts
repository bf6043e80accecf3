import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { DecisionRecord } from "@sluice/contract/decision-record.ts";
import { decisionCountersKey, decisionsKey } from "@sluice/contract/keys.ts";
import type { PolicyRule, RateLimit } from "@sluice/contract/policy/document.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, token } from "./tokens.ts";

const LOGIN = "/auth/login";
const WORKERS = 4;
const CONNECTIONS = 64;

describe("rate limits, four workers", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  let revision = 0;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    await redis.session(SESSION, 1, "42");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: WORKERS });
    await edge.untilReady();
    await edge.untilFollowing();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  /** Puts the rules in force in every worker: each tells by a marker that it knows them. */
  async function inForce(...rules: PolicyRule[]): Promise<void> {
    revision += 1;
    const host = `revision-${revision}.example`;
    const marker: PolicyRule = {
      id: `revision-${revision}`,
      match: { host: [host] },
      action: "deny",
      mode: "enforce",
      status: 451,
    };
    await redis.policy(revision, { rules: [marker, ...rules], default: "allow" });
    await until("every worker has the rules", async () => {
      for (let i = 0; i < 8 * WORKERS; i++) {
        if ((await edge.from("192.0.2.200", LOGIN, { method: "POST", host })).status !== 451) return false;
      }
      return true;
    });
  }

  const limit = (id: string, given: RateLimit, more: Partial<PolicyRule> = {}): PolicyRule => ({
    id,
    match: {},
    action: "limit",
    mode: "enforce",
    limit: given,
    ...more,
  });
  const login = (address: string) => edge.from(address, LOGIN, { method: "POST" });

  /** So many requests over all connections at once; how often each status came. */
  async function crowd(count: number, path: string, headers: (n: number) => Record<string, string>) {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    const statuses: Record<number, number> = {};
    const one = (n: number) =>
      new Promise<void>((resolve, reject) => {
        const options = { agent, port: edge.port, host: "127.0.0.1", path, headers: headers(n) };
        const outgoing = request(options, (incoming) => {
          const status = incoming.statusCode as number;
          statuses[status] = (statuses[status] ?? 0) + 1;
          incoming.resume();
          incoming.on("end", resolve);
        });
        outgoing.on("error", reject);
        outgoing.end();
      });
    await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    agent.destroy();
    return statuses;
  }

  test("of a crowd on 64 connections exactly as many pass as the limit says: by address, user, route", async () => {
    const hourly = (key: RateLimit["key"], requests: number) => ({ key, requests, seconds: 3_600 });
    await inForce(
      limit("each-address", hourly("address", 50), { match: { host: ["address.example"] } }),
      limit("each-user", hourly("user", 40), { match: { host: ["user.example"] } }),
      limit("each-route", hourly("route", 30), { match: { host: ["route.example"] } }),
    );
    const authorization = `Bearer ${token(edge.signingKey)}`;
    const from = (n: number) => ({ "x-forwarded-for": `198.51.100.${n % 250}` });
    assert.deepEqual(
      await crowd(400, "/openapi.json", () => ({ host: "address.example", "x-forwarded-for": FROM_GERMANY })),
      { 200: 50, 429: 350 },
    );
    assert.deepEqual(
      await crowd(400, "/orders", (n) => ({ host: "user.example", authorization, ...from(n) })),
      { 200: 40, 429: 360 },
    );
    assert.deepEqual(await crowd(400, "/openapi.json", (n) => ({ host: "route.example", ...from(n) })), {
      200: 30,
      429: 370,
    });
    // Another route, another count.
    assert.equal((await edge.from(FROM_GERMANY, "/errors", { host: "route.example" })).status, 200);
  });

  test("the answer says how much is left, when to come again, and why", async () => {
    await inForce(
      limit("login", { key: "address", requests: 2, seconds: 3_600, burst: 3 }),
      limit("wide", { key: "route", requests: 1_000, seconds: 3_600 }),
    );
    const fields = async () => {
      const { status, headers } = await login("192.0.2.10");
      return [status, headers.ratelimit, headers["ratelimit-policy"], headers["retry-after"]];
    };
    const policy = '"login";q=3;w=5400';
    assert.deepEqual(await fields(), [200, '"login";r=2;t=1800', policy, undefined]);
    assert.deepEqual(await fields(), [200, '"login";r=1;t=3600', policy, undefined]);
    assert.deepEqual(await fields(), [200, '"login";r=0;t=5400', policy, undefined]);
    const [status, field, , retry] = await fields();
    assert.equal(status, 429);
    assert.match(String(field), /^"login";r=0;t=5(400|399)$/);
    assert.ok(Number(retry) > 1_790 && Number(retry) <= 1_800, String(retry));
    const refused = await login("192.0.2.10");
    assert.equal(refused.json().code, "rate.limited");
    assert.equal(refused.headers["content-type"], "application/problem+json; charset=utf-8");
    assert.equal(refused.json().requestId, refused.headers["x-request-id"]);
  });

  test("one passes again when Retry-After is over", async () => {
    await inForce(limit("second", { key: "address", requests: 1, seconds: 1 }));
    const begunMs = Date.now();
    assert.equal((await login("192.0.2.20")).status, 200);
    const refused = await until("it is used up", async () => {
      const answer = await login("192.0.2.20");
      return answer.status === 429 && answer;
    });
    assert.equal(refused.headers["retry-after"], "1");
    await until("it passes again", async () => (await login("192.0.2.20")).status === 200);
    assert.ok(Date.now() - begunMs >= 1_000, "not before the second has gone by");
  });

  test("IPv6 is counted by /64, IPv4 by address, and who is allow-listed or allowed before is not", async () => {
    await inForce(
      {
        id: "friends",
        match: { cidr: ["192.0.2.31"] },
        action: "allow",
        mode: "enforce",
      },
      limit("once", { key: "address", requests: 1, seconds: 3_600 }),
    );
    await redis.entry({
      id: 1,
      list: "allow",
      cidr: "192.0.2.32",
      expiresAtMs: 0,
      removed: false,
      version: 1,
    });
    const cases: [address: string, status: number][] = [
      ["2001:db8:0:1::1", 200],
      ["2001:db8:0:1:ffff:ffff:ffff:ffff", 429],
      ["2001:db8:0:2::1", 200],
      ["2001:db8:1:1::1", 200],
      ["::ffff:192.0.2.30", 200],
      ["192.0.2.30", 429],
      ["192.0.2.33", 200],
      ["192.0.2.31", 200],
      ["192.0.2.31", 200],
    ];
    for (const [address, status] of cases) assert.equal((await login(address)).status, status, address);
    await until("the allow list spares", async () => {
      for (let i = 0; i < 8 * WORKERS; i++) if ((await login("192.0.2.32")).status !== 200) return false;
      return true;
    });
  });

  test("in mode observe it is counted and refuses nobody; what is refused is counted and recorded once", async () => {
    await inForce(
      limit("watched", { key: "user", requests: 1, seconds: 3_600 }, { mode: "observe" }),
      limit("real", { key: "user", requests: 2, seconds: 3_600 }),
    );
    await redis.client.del(decisionCountersKey(PREFIX));
    await redis.client.del(decisionsKey(PREFIX));
    const authorization = `Bearer ${token(edge.signingKey, { sub: "4711" })}`;
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { status } = await edge.from(FROM_KOREA, "/orders", {
        headers: ["authorization", authorization],
      });
      statuses.push(status);
    }
    assert.deepEqual(statuses, [200, 200, 429, 429, 429]);
    const counters = await until("all are counted", async () => {
      const all = await redis.client.hgetall(decisionCountersKey(PREFIX));
      return all["decision|limit|real|deny|429"] === "3" && all["observed|watched|deny"] === "4" && all;
    });
    assert.equal(counters["country|KP|deny"], "3");
    assert.equal(counters["country|KP|allow"], "2");
    const records = await until("all are recorded", async () => {
      const entries = await redis.client.xrange(decisionsKey(PREFIX), "-", "+");
      const found = entries
        .map(([, fields]) => JSON.parse(fields[1] as string) as DecisionRecord)
        .filter(({ country }) => country === "KP");
      return found.length >= 5 && found;
    });
    assert.equal(records.length, 5);
    const refused = records.filter(({ reason }) => reason === "limit");
    assert.deepEqual(
      refused.map(({ action, status, rule }) => [action, status, rule]),
      [1, 2, 3].map(() => ["deny", 429, "real"]),
    );
    const logged = await edge.decisions(3, (one) => one.rule === "real" && one.status === 429);
    assert.equal(logged[0]?.problem, "rate.limited");
    assert.equal(logged[0]?.verdict, "limit");
  });

  test("what was counted survives a killed worker and a reload", async () => {
    await inForce(limit("kept", { key: "address", requests: 3, seconds: 3_600 }));
    assert.equal((await login("192.0.2.40")).status, 200);
    assert.equal((await login("192.0.2.40")).status, 200);
    const master = Number(readFileSync(join(edge.folder, "run/nginx.pid"), "utf8"));
    const workers = () =>
      execFileSync("ps", ["--ppid", String(master), "-o", "pid="], { encoding: "utf8" })
        .trim()
        .split(/\s+/)
        .map(Number);
    const before = workers();
    process.kill(before[0] as number, "SIGKILL");
    await until(
      "there is another worker",
      () => workers().length === WORKERS && !workers().includes(before[0] as number),
    );
    process.kill(master, "SIGHUP");
    await until("the old workers are gone", () => workers().every((pid) => !before.includes(pid)));
    await edge.untilFollowing();
    assert.equal((await login("192.0.2.40")).status, 200);
    assert.equal((await login("192.0.2.40")).status, 429);
    assert.equal((await ask(edge.port, "/healthz")).status, 200);
  });
});
