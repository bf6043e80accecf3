import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { readyKey } from "@sluice/contract/keys.ts";
import type { RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  startTestServices,
} from "../../../cli/src/services/for-tests.ts";
import { systemClock } from "../kernel/clock.ts";
import { createLogger } from "../platform/logger.ts";
import { openDatabase } from "../platform/mysql/database.ts";
import { projectAll } from "../platform/redis/project.ts";
import type { TableRow } from "../platform/redis/projected-table.ts";
import { sampleCoherence } from "./coherence.ts";
import { openFixture, type RelayFixture, things, until } from "./relay-fixture.ts";

/** No relay: what Redis holds is what the tests put there. */
const services = await startTestServices();
after(() => services.close());

const ROWS = 20;
/** All rows are looked at each time: the random place is the first. */
const limits = { everyMs: 20, rowsAtOnce: ROWS, agesMs: [0, 50, 400] };

let f: RelayFixture;
let key: (id: number) => string;
let sampling: ReturnType<typeof sampleCoherence>;
let errors: Record<string, unknown>[];
let closeAll: () => Promise<void>;

beforeEach(async () => {
  const [place, prefix] = await Promise.all([createTestDatabase(services), createTestRedisPrefix(services)]);
  f = await openFixture({
    mysqlUrl: place.url,
    redisUrl: prefix.url,
    redisPrefix: prefix.prefix,
    rabbitmqUrl: services.rabbitmqUrl,
  });
  key = (id) => `${prefix.prefix}product:${id}`;
  await f.sql.query(`INSERT INTO things (name) SELECT CONCAT('n', seq) FROM seq_1_to_${ROWS}`);
  await projectThings();
  await f.redis.client.set(readyKey(prefix.prefix), "epoch");
  errors = [];
  const write = (line: string) => errors.push(JSON.parse(line)) > 0;
  const logger = createLogger("relay", "error", { write } as unknown as NodeJS.WritableStream);
  const database = openDatabase(place.url);
  const options = { redis: f.redis, database, tables: [things], clock: systemClock, random: () => 0, logger };
  sampling = sampleCoherence(options, limits);
  closeAll = async () => {
    await sampling.close();
    await database.close();
    await f.close();
    await Promise.all([place.close(), prefix.close()]);
  };
});

afterEach(() => closeAll());

async function projectThings(where = "1 = 1"): Promise<void> {
  const [rows] = await f.sql.query<RowDataPacket[]>(`SELECT * FROM things WHERE ${where}`);
  await projectAll(f.redis, (rows as TableRow[]).flatMap(things.projections));
}

const counts = () => sampling.status().differing.map(({ count }) => count);

/** Everything that was there before has been looked at. */
async function looks(times: number): Promise<void> {
  const before = sampling.status().sampled;
  await until(`${times} more samples`, () => sampling.status().sampled >= before + (times + 1) * ROWS);
}

test("what agrees is sampled and counted nowhere", async () => {
  await looks(5);
  assert.deepEqual(sampling.status(), {
    sampled: sampling.status().sampled,
    differing: limits.agesMs.map((ageMs) => ({ ageMs, count: 0 })),
  });
  assert.deepEqual(errors, []);
});

for (const [what, plant] of [
  ["an older version", () => f.redis.client.hset(key(3), "product.v", "0")],
  ["a version that the row never had", () => f.redis.client.hset(key(3), "product.v", "99")],
  ["a version that is none", () => f.redis.client.hset(key(3), "product.v", "new")],
  ["another document of the same version", () => f.redis.client.hset(key(3), "product.d", '{"id":4}')],
  ["nothing", () => f.redis.client.del(key(3))],
  ["a tombstone of a row that is there", () => f.redis.client.hdel(key(3), "product.d")],
] as const) {
  test(`${what} in Redis is counted at each age, and named`, async () => {
    await plant();
    await until("it was looked at for the last time", () => errors.length > 0);
    assert.deepEqual(counts(), [1, 1, 1]);
    assert.deepEqual(
      { table: errors[0]?.table, ids: errors[0]?.ids, ageMs: errors[0]?.ageMs },
      {
        table: "things",
        ids: [3],
        ageMs: 400,
      },
    );
  });
}

test("a change that is on its way is counted for as long as it takes, and no longer", async () => {
  await f.sql.query("UPDATE things SET name = 'new', version = 2 WHERE id = 5");
  await until("it is seen", () => (counts()[0] ?? 0) > 0);
  await projectThings();
  await looks(3);
  assert.equal(counts()[2], 0);
  assert.deepEqual(errors, []);
});

test("a row that is always a step ahead of Redis is not taken for one that was lost", async () => {
  const untilMs = performance.now() + 3 * 400;
  let version = 1;
  while (performance.now() < untilMs || (counts()[0] ?? 0) < 2) {
    version++;
    await f.sql.query("UPDATE things SET version = ? WHERE id = 5", [version]);
    // What is projected is the row before this one.
    await projectAll(f.redis, things.projections({ id: "5", name: "n5", version: String(version - 1) }));
  }
  await projectThings();
  await looks(2);
  assert.equal(counts()[2], 0);
  assert.deepEqual(errors, []);
});

test("before projections are complete nothing is looked at", async () => {
  await f.redis.client.del(readyKey(f.redis.prefix));
  await looksEnd();
  await f.redis.client.del(key(3));
  const { sampled } = sampling.status();
  await until("time has passed", () => looksEnd());
  assert.equal(sampling.status().sampled, sampled);
  assert.deepEqual(counts(), [0, 0, 0]);
});

/** Whether nothing was sampled for as long as several samples take. */
async function looksEnd(): Promise<boolean> {
  const { sampled } = sampling.status();
  const untilMs = performance.now() + 10 * limits.everyMs;
  await until("several samples' time", () => performance.now() > untilMs);
  return sampling.status().sampled === sampled;
}
