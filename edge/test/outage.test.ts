import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { AccessEntry } from "@sluice/contract/change.ts";
import { accessEntriesKey, changesKey } from "@sluice/contract/keys.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, FROM_NOWHERE, startEdge } from "./edge-under-test.ts";
import { writeGeoTables } from "./geo-tables.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { temporaryFolder, until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";
import { SESSION, token } from "./tokens.ts";

const BANNED: AccessEntry = {
  id: 1,
  list: "deny",
  cidr: FROM_NOWHERE,
  expiresAtMs: 0,
  removed: false,
  version: 1,
};

/** Twenty times the bound that is measured on a calm machine. */
const IN_FORCE_MS = 1_000;
const BANS_MAX = 50_000;

describe("without Redis, without the origin", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    edge = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      workers: 2,
      // What happens after it; the grace itself is in session-outage.test.ts.
      env: { EDGE_SESSION_GRACE_SECONDS: "0" },
    });
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  beforeEach(() => {
    origin.answer((seen, response) => answerJson(response, 200, { url: seen.url }));
  });

  const login = async (address: string) =>
    (await edge.from(address, "/auth/login", { method: "POST" })).status;
  /** The limit lets one pass. */
  const refresh = async (address: string) =>
    (await edge.from(address, "/auth/refresh", { method: "POST" })).status;
  const orders = () =>
    edge.from(FROM_GERMANY, "/orders", { headers: ["authorization", `Bearer ${token(edge.signingKey)}`] });

  async function fillAndSettle(): Promise<void> {
    await redis.policy(1, {
      rules: [
        { id: "no-kp", match: { country: ["KP"] }, action: "deny", mode: "enforce" },
        {
          id: "once",
          match: { pathPrefix: "/auth/refresh" },
          action: "limit",
          mode: "enforce",
          limit: { key: "address", requests: 1, seconds: 3_600 },
        },
      ],
      default: "allow",
    });
    await redis.entry(BANNED);
    await redis.session(SESSION, 1, "42");
    await redis.product(7, 1, { id: 7, name: "Tea" });
    await redis.stock(7, 1, { total: 3, available: 3 });
  }

  const workers = () => {
    const master = readFileSync(`${edge.folder}/run/nginx.pid`, "utf8").trim();
    return readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim().split(" ");
  };
  /** All workers: twenty times in a row on fresh connections. */
  const everywhere = (what: string, holds: () => Promise<boolean>) =>
    until(what, async () => {
      for (let i = 0; i < 20; i++) if (!(await holds())) return false;
      return true;
    });

  test("before anything was loaded nothing passes, and readiness says what is missing", async () => {
    // Redis is there and empty, and has no `ready`: that says nothing.
    const ready = await ask(edge.port, "/readyz");
    assert.equal(ready.status, 503);
    assert.equal(ready.json().code, "edge.not_ready");
    assert.match(String(ready.json().detail), /policy/);
    assert.equal((await ask(edge.port, "/healthz")).status, 200);
    const answer = await edge.from(FROM_GERMANY, "/auth/login", { method: "POST" });
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, "edge.not_ready");
    assert.equal(origin.seen.length, 0);
  });

  test("a complete Redis makes it ready", async () => {
    await fillAndSettle();
    assert.equal(await login(FROM_GERMANY), 503);
    await redis.ready("first");
    await everywhere("all workers know the policy", async () => (await login(FROM_NOWHERE)) === 403);
    assert.equal(await login(FROM_KOREA), 403);
    assert.equal(await login(FROM_GERMANY), 200);
    assert.equal((await orders()).status, 200);
    assert.deepEqual([await refresh("198.51.100.1"), await refresh("198.51.100.1")], [200, 429]);
    await everywhere("each worker has the page", async () => {
      return (await ask(edge.port, "/products/7")).headers["x-sluice-cache"] === "hit-worker";
    });
  });

  test("Redis killed: rules and lists hold, cached pages answer, protected routes say 503", async () => {
    await redis.kill();
    await everywhere("protected routes refuse", async () => (await orders()).status === 503);
    const refused = await orders();
    assert.equal(refused.json().code, "session.unavailable");
    assert.equal(refused.headers["content-type"], "application/problem+json; charset=utf-8");
    assert.equal(await login(FROM_NOWHERE), 403);
    assert.equal(await login(FROM_KOREA), 403);
    assert.equal(await login(FROM_GERMANY), 200);
    assert.equal(await refresh("198.51.100.1"), 429);
    assert.deepEqual([await refresh("198.51.100.2"), await refresh("198.51.100.2")], [200, 429]);
    const page = await ask(edge.port, "/products/7");
    assert.equal(page.status, 200);
  });

  test("the origin is gone too: pages that are held still answer, all else is a 503 problem", async () => {
    origin.answer((_seen, response) => response.destroy());
    const login503 = await edge.from(FROM_GERMANY, "/auth/login", { method: "POST" });
    assert.equal(login503.status, 503);
    assert.equal(login503.json().code, "origin.unavailable");
    for (let i = 0; i < 10; i++) {
      const page = await ask(edge.port, "/products/7");
      assert.equal(page.status, 200);
      assert.equal(page.headers["x-sluice-cache"], "hit-worker");
    }
    const unknown = await ask(edge.port, "/products/8");
    assert.equal(unknown.status, 503);
    assert.equal(unknown.json().code, "origin.unavailable");
    assert.equal((await ask(edge.port, "/readyz")).status, 200);
  });

  test("workers that are killed meanwhile come back with rules, lists and limits, and what was counted", async () => {
    const before = workers();
    for (const pid of before) process.kill(Number(pid), "SIGKILL");
    await until("there are others", () => {
      const now = workers();
      return now.length === before.length && !now.some((pid) => before.includes(pid));
    });
    await edge.untilReady();
    await everywhere("the deny list holds", async () => (await login(FROM_NOWHERE)) === 403);
    await everywhere("the rule holds", async () => (await login(FROM_KOREA)) === 403);
    assert.equal(await login(FROM_GERMANY), 200);
    assert.equal(await refresh("198.51.100.1"), 429);
    assert.equal((await orders()).status, 503);
  });

  test("Redis is back: all is well, and what changed meanwhile is known", async () => {
    await redis.restart();
    await redis.entry({ ...BANNED, version: 2, removed: true });
    await everywhere("protected routes answer", async () => (await orders()).status === 200);
    await everywhere("the ban is lifted", async () => (await login(FROM_NOWHERE)) === 200);
    await redis.entry({ ...BANNED, version: 3 });
    await everywhere("the ban is back", async () => (await login(FROM_NOWHERE)) === 403);
  });

  test("a wiped Redis opens nothing and ends no session for good", async () => {
    await redis.client.flushall();
    await everywhere("sessions cannot be known", async () => {
      const answer = await orders();
      return answer.status === 503 && answer.json().code === "session.unavailable";
    });
    assert.equal(await login(FROM_NOWHERE), 403);
    assert.equal(await login(FROM_KOREA), 403);
    await fillAndSettle();
    await redis.client.hdel("edge-test:access:entries", "1");
    await redis.ready("second");
    await redis.change("epoch", "second", 1);
    await everywhere("the new epoch is loaded", async () => (await login(FROM_NOWHERE)) === 200);
    assert.equal((await orders()).status, 200);
    await redis.entry({ ...BANNED, version: 9 });
    await everywhere("and is followed", async () => (await login(FROM_NOWHERE)) === 403);
  });

  test("a stream that no longer reaches back makes it load everything afresh", async () => {
    const unheard = { ...BANNED, id: 50, cidr: "192.0.2.99" };
    await redis.client.hset(accessEntriesKey(PREFIX), "50", JSON.stringify(unheard));
    await redis.client.xtrim(changesKey(PREFIX), "MAXLEN", 0);
    assert.equal(await login("192.0.2.99"), 200);
    await redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await everywhere("what was never announced is known", async () => (await login("192.0.2.99")) === 403);
    assert.equal(await login(FROM_NOWHERE), 403);
    assert.match(edge.log(), /changes were missed; loading everything afresh/);
  });

  test("workers that take the place of killed ones are current, while bans go on", async () => {
    const bannedAtMs: number[] = [];
    const addressOf = (number: number) => `198.18.${number >> 8}.${number & 255}`;
    const wrong: string[] = [];
    let [asked, ended] = [0, false];
    const ban = async () => {
      while (!ended && bannedAtMs.length < BANS_MAX) {
        const number = bannedAtMs.length;
        await redis.entry({ ...BANNED, id: 10_000 + number, cidr: addressOf(number) });
        bannedAtMs.push(Date.now());
        // No faster than they are taken in: not how many there are in a second is asked here.
        if (number % 20 === 0)
          await until("it is in force", async () => (await login(addressOf(number))) === 403);
      }
    };
    const watch = async () => {
      while (!ended) {
        const dueMs = Date.now() - IN_FORCE_MS;
        const number = bannedAtMs.findLastIndex((atMs) => atMs < dueMs);
        // Who is connected to a worker that is killed gets no answer, and so no wrong one.
        const status = await login(number < 0 ? FROM_NOWHERE : addressOf(number)).catch(() => 0);
        if (number >= 0) asked += 1;
        if (number >= 0 && status !== 0 && status !== 403) wrong.push(`${addressOf(number)}: ${status}`);
      }
    };
    const kill = async () => {
      await until("bans are watched", () => asked > 100);
      for (const pid of workers()) {
        process.kill(Number(pid), "SIGKILL");
        await until("there is another", () => workers().length === 2 && !workers().includes(pid));
        const before = asked;
        await until("it answers", () => asked > before + 200);
      }
      ended = true;
    };
    await Promise.all([ban(), watch(), kill()]).finally(() => {
      ended = true;
    });
    assert.deepEqual(wrong, []);
  });
});

test("it is ready when policy, keys and geo data are there, and until then says what is missing", async () => {
  const redis = await startRedis();
  const folder = temporaryFolder();
  const [keysFile, geoDir] = [join(folder.path, "keys.json"), join(folder.path, "geo")];
  mkdirSync(geoDir);
  const env = { EDGE_TOKEN_KEYS_FILE: keysFile, EDGE_GEO_DIR: geoDir };
  const edge = await startEdge({ redisPort: redis.port, originPort: 1, env });
  try {
    const missing = async () => {
      const { status, body } = await ask(edge.port, "/readyz");
      return status === 200 ? "" : String(JSON.parse(body).detail);
    };
    assert.equal(await missing(), "Missing: policy keys geo");
    writeGeoTables(geoDir);
    await until("geo data are in", async () => (await missing()) === "Missing: policy keys");
    await redis.ready("1");
    await until("a policy is in", async () => (await missing()) === "Missing: keys");
    copyFileSync(join(edge.folder, "keys.json"), keysFile);
    await until("keys are in", async () => (await missing()) === "");
  } finally {
    await edge.close();
    await redis.close();
    folder.remove();
  }
});
