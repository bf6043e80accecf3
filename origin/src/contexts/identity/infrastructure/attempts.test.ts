import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pino } from "pino";
import { createTestRedisPrefix, startTestServices } from "../../../../../cli/src/services/for-tests.ts";
import { connectRedis, untilReady } from "../../../platform/redis/connect.ts";
import { attemptsIn } from "./attempts.ts";

const services = await startTestServices();
const place = await createTestRedisPrefix(services);
const silent = pino({ level: "silent" });
const redis = connectRedis(place.url, place.prefix, silent);
await untilReady(redis, 20_000);
/** Nobody listens there. */
const away = connectRedis("redis://127.0.0.1:1", "", silent);

after(async () => {
  await redis.close();
  await away.close();
  await place.close();
  await services.close();
});

const budget = { burst: 3, refillMs: 10_000 };
const startMs = Date.now();

/** When somebody tries, ms after the start, and what they get: 0, or the ms to wait. */
const course: [atMs: number, waitMs: number][] = [
  [0, 0],
  [0, 0],
  [1_000, 0],
  [1_000, 9_000],
  [9_999, 1],
  [10_000, 0],
  [10_000, 10_000],
  [60_000, 0],
  [60_000, 0],
  [60_000, 0],
  [60_000, 10_000],
];

for (const [where, store] of [
  ["in Redis", redis],
  ["in the process, without Redis", away],
] as const) {
  test(`a budget ${where} is spent and comes back`, async () => {
    const attempts = attemptsIn(store);
    for (const [atMs, waitMs] of course) {
      const answer = await attempts.take("account", "course", budget, startMs + atMs);
      assert.equal("waitMs" in answer ? answer.waitMs : 0, waitMs, `at ${atMs} ms`);
    }
  });

  test(`what is given back ${where} can be taken again`, async () => {
    const attempts = attemptsIn(store);
    for (let i = 0; i < 10; i++) {
      const answer = await attempts.take("account", "returned", budget, startMs);
      assert("giveBack" in answer);
      await answer.giveBack();
    }
  });

  test(`an address ${where} is its /64 in IPv6, and its own in IPv4`, async () => {
    const attempts = attemptsIn(store);
    const take = async (address: string) =>
      "waitMs" in (await attempts.take("address", address, budget, startMs)) ? "wait" : "taken";
    for (const host of ["::1", "::2", ":3:4:5:6"]) assert.equal(await take(`2001:db8:1:2${host}`), "taken");
    assert.equal(await take("2001:db8:1:2::9"), "wait");
    assert.equal(await take("2001:db8:1:3::9"), "taken");
    for (let i = 0; i < 3; i++) assert.equal(await take("192.0.2.1"), "taken");
    assert.equal(await take("192.0.2.1"), "wait");
    assert.equal(await take("192.0.2.2"), "taken");
  });
}

test("no name is readable in Redis, and a key ends when its budget is full", async () => {
  await attemptsIn(redis).take("account", "hunter2", budget, Date.now());
  const keys = await redis.client.keys(`${place.prefix}attempts:*`);
  assert(keys.length > 0);
  for (const key of keys) {
    assert.equal(key.includes("hunter2"), false);
    const ttlMs = await redis.client.pttl(key);
    assert(ttlMs > 0 && ttlMs <= 100_000, `${key} ends in ${ttlMs} ms`);
  }
});

test("a process keeps a bounded number of budgets without Redis", async () => {
  const attempts = attemptsIn(away);
  const take = async (who: string) => {
    const answer = await attempts.take("account", who, { burst: 1, refillMs: 10_000 }, startMs);
    return "waitMs" in answer ? "wait" : "taken";
  };
  assert.equal(await take("first"), "taken");
  for (let i = 0; i < 9_999; i++) await take(`other ${i}`);
  assert.equal(await take("first"), "wait", "the first is among the ten thousand");
  await take("one too many");
  assert.equal(await take("first"), "taken", "the oldest was forgotten");
});
