import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { after, before, describe, test } from "node:test";
import type { AccessEntry } from "@sluice/contract/change.ts";
import { accessEntriesKey, changesKey, readyKey } from "@sluice/contract/keys.ts";
import { type EdgeUnderTest, FROM_GERMANY, FROM_KOREA, FROM_NOWHERE, startEdge } from "./edge-under-test.ts";
import { type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
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

describe("policy and lists on disk", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
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
    await redis.ready("first");
    edge = await startEdge({
      redisPort: redis.port,
      originPort: origin.port,
      workers: 2,
      env: { EDGE_SESSION_GRACE_SECONDS: "0" },
    });
    await edge.untilFollowing();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  const login = async (address: string) =>
    (await edge.from(address, "/auth/login", { method: "POST" })).status;
  /** The limit lets one pass. */
  const refresh = async (address: string) =>
    (await edge.from(address, "/auth/refresh", { method: "POST" })).status;

  const orders = () =>
    edge.from(FROM_GERMANY, "/orders", { headers: ["authorization", `Bearer ${token(edge.signingKey)}`] });

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

  const snapshot = () => readFileSync(`${edge.folder}/state/access-snapshot`, "latin1");

  /** All workers: twenty times in a row on fresh connections. */
  const everywhere = (what: string, holds: () => Promise<boolean>) =>
    until(what, async () => {
      for (let i = 0; i < 20; i++) if (!(await holds())) return false;
      return true;
    });

  test("a ban is on disk as soon as it is in force, however many follow each other", async () => {
    for (const id of [60, 61, 62]) {
      await redis.entry({ ...BANNED, id, cidr: `192.0.2.${id}` });
      await until("the ban is in force", async () => (await login(`192.0.2.${id}`)) === 403);
      await until("the ban is on disk", () => journal().includes(`"192.0.2.${id}"`), 1_000);
    }
  });

  test("started again without Redis, it enforces what it last knew", async () => {
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
    await until("a snapshot is written", () => snapshot().includes("epoch-94") && journals() === 1, 15_000);
  });

  test("a disk that is full takes nothing from what is on it, and is told of", async () => {
    const held = snapshot();
    const load = async (epoch: string) => {
      await redis.ready(epoch);
      await redis.change("epoch", epoch, 1);
      await until(`${epoch} is loaded`, () => edge.log().includes(`lists of epoch ${epoch}`));
    };
    // What is written there goes into a buffer first, and fails when that is emptied: as on a disk without room.
    symlinkSync("/dev/full", `${edge.folder}/state/access-snapshot.partial`);
    await load("full-disk");
    await until("it is told", () =>
      /snapshot: .*access-snapshot.partial: cannot be written/.test(edge.log()),
    );
    assert.equal(snapshot(), held);
    await until("a snapshot is written", () => snapshot().includes("full-disk"), 15_000);

    const full = newestJournal() + 1;
    symlinkSync("/dev/full", journalFile(full));
    await load("full-journal");
    await redis.entry({ ...BANNED, id: 95, cidr: "192.0.2.95" });
    await until("it is told", () => /journal: cannot be written/.test(edge.log()));
    await until("a snapshot is written", () => Number(snapshot().split("\n")[1]) > full, 15_000);
    await redis.kill();
    await edge.stop("SIGKILL");
    await edge.start();
    await edge.untilReady();
    await everywhere("the ban holds", async () => (await login("192.0.2.95")) === 403);
    await redis.restart();
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
