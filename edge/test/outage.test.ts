import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import type { AccessEntry } from "@sluice/contract/change.ts";
import { accessEntriesKey, changesKey, readyKey } from "@sluice/contract/keys.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, FROM_NOWHERE, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
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

  const journalFile = (number: number) => `${edge.folder}/state/access-journal.${number}`;
  const journalNumbers = () => {
    const names = readdirSync(`${edge.folder}/state`).filter((name) => name.startsWith("access-journal."));
    return names.map((name) => Number(name.slice("access-journal.".length)));
  };
  const newestJournal = () => Math.max(...journalNumbers());
  /** What was written since the last snapshot. */
  const journal = () =>
    journalNumbers()
      .map((number) => readFileSync(journalFile(number), "utf8"))
      .join("");

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
    const master = Number(readFileSync(`${edge.folder}/run/nginx.pid`, "utf8"));
    const workers = () => readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim().split(" ");
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

  test("a ban is on disk as soon as it is in force, however many follow each other", async () => {
    for (const id of [60, 61, 62]) {
      await redis.entry({ ...BANNED, id, cidr: `192.0.2.${id}` });
      await until("the ban is in force", async () => (await login(`192.0.2.${id}`)) === 403);
      await until("the ban is on disk", () => journal().includes(`"192.0.2.${id}"`), 1_000);
    }
  });

  test("started again without Redis, it enforces what it last knew", async () => {
    await until("the snapshot is written", async () => {
      return journal().includes('"192.0.2.62"');
    });
    await redis.kill();
    await edge.stop("SIGKILL");
    await edge.start();
    await edge.untilReady();
    await everywhere("the deny list holds", async () => (await login(FROM_NOWHERE)) === 403);
    assert.equal(await login(FROM_KOREA), 403);
    assert.equal(await login(FROM_GERMANY), 200);
    // The limit stands; what was counted went with the master.
    assert.deepEqual([await refresh("198.51.100.1"), await refresh("198.51.100.1")], [200, 429]);
    assert.equal((await orders()).status, 503);
    await redis.restart();
    await everywhere("protected routes answer", async () => (await orders()).status === 200);
  });

  test("a line that was cut short takes none with it that comes after", async () => {
    await edge.stop("SIGKILL");
    appendFileSync(journalFile(newestJournal()), 'e {"id":7');
    await edge.start();
    await edge.untilReady();
    await redis.entry({ ...BANNED, id: 70, cidr: "192.0.2.70" });
    await until("the ban is on disk", () => journal().includes('"192.0.2.70"'));
    await redis.kill();
    await edge.stop("SIGKILL");
    await edge.start();
    await edge.untilReady();
    await everywhere("the ban holds", async () => (await login("192.0.2.70")) === 403);
    await redis.restart();
  });

  test("killed before a snapshot was complete, it asks Redis for what the snapshot lacks", async () => {
    await edge.stop("SIGKILL");
    await redis.entry({ ...BANNED, id: 71, cidr: "192.0.2.71" });
    const epoch = await redis.client.get(readyKey(PREFIX));
    const newest = await redis.client.xrevrange(changesKey(PREFIX), "+", "-", "COUNT", 1);
    writeFileSync(journalFile(newestJournal() + 1), `@ ${epoch} ${newest[0]?.[0]}\n`);
    await edge.start();
    await edge.untilReady();
    await everywhere("the ban is known", async () => (await login("192.0.2.71")) === 403);
  });

  test("a disk that refuses snapshots is not filled with journals, and gets one when it takes it again", async () => {
    const partial = `${edge.folder}/state/access-snapshot.partial`;
    const journals = () =>
      readdirSync(`${edge.folder}/state`).filter((name) => name.startsWith("access-journal")).length;
    rmSync(partial, { force: true });
    mkdirSync(partial);
    for (const id of [91, 92, 93, 94]) {
      const entry = { ...BANNED, id, cidr: `192.0.2.${id}` };
      await redis.client.hset(accessEntriesKey(PREFIX), String(id), JSON.stringify(entry));
      // Each load wants a snapshot.
      await redis.ready(`epoch-${id}`);
      await redis.change("epoch", `epoch-${id}`, 1);
      await everywhere("it was loaded", async () => (await login(entry.cidr)) === 403);
    }
    assert.ok(journals() <= 2, `${journals()} journals`);
    rmdirSync(partial);
    await until(
      "a snapshot is written",
      () =>
        readFileSync(`${edge.folder}/state/access-snapshot`, "latin1").includes("epoch-94") &&
        journals() === 1,
      15_000,
    );
  });

  test("a snapshot that was cut short is not used", async () => {
    const file = `${edge.folder}/state/access-snapshot`;
    await redis.kill();
    await edge.stop();
    writeFileSync(file, readFileSync(file).subarray(0, -8));
    await edge.start();
    assert.equal(await login(FROM_GERMANY), 503);
    assert.match(edge.log(), /is cut short/);
    await redis.restart();
    await edge.untilReady();
    await everywhere("the deny list holds", async () => (await login(FROM_NOWHERE)) === 403);
  });
});
