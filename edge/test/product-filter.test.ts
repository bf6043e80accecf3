import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { filterNewIdsKey, PRODUCTS_FILTER } from "@sluice/contract/keys.ts";
import { addMember, mayBeMember, membershipShape } from "@sluice/contract/membership.ts";
import { type EdgeUnderTest, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";

/** Even ids up to here are products. */
const HIGHEST = 2_000;
const FALSE_POSITIVES = 0.01;

describe("ids that were never a product's", () => {
  let redis: RedisUnderTest;
  let origin: OriginUnderTest;
  let edge: EdgeUnderTest;
  const shape = membershipShape(HIGHEST / 2, FALSE_POSITIVES);
  const bytes = Buffer.alloc(shape.bits / 8);
  for (let id = 2; id <= HIGHEST; id += 2) addMember(bytes, shape, id);

  before(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    await redis.ready("1");
    edge = await startEdge({ redisPort: redis.port, originPort: origin.port, workers: 2 });
    await edge.untilFollowing();
  });

  after(async () => {
    await edge?.close();
    await origin?.close();
    await redis?.close();
  });

  beforeEach(() => {
    origin.seen.length = 0;
    origin.answer((seen, response) =>
      answerJson(response, 404, {
        code: "product.not_found",
        status: 404,
        requestId: seen.headers["x-request-id"],
      }),
    );
  });

  const get = (path: string) => ask(edge.port, path);
  /** Of Redis: how often it was asked for pages. */
  const readsOfRedis = async () => {
    const stats = await redis.client.info("commandstats");
    const calls = (command: string) =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    return calls("hmget") + calls("zrange") + calls("get") - calls("info");
  };
  const inBatches = async (ids: readonly number[], work: (id: number) => Promise<void>) => {
    for (let from = 0; from < ids.length; from += 50) await Promise.all(ids.slice(from, from + 50).map(work));
  };

  test("without a filter nothing is known, and the origin is asked", async () => {
    assert.equal((await get("/products/777777")).status, 404);
    assert.equal(origin.seen.length, 1);
  });

  test("with one, a scan of ids that don't exist reaches neither Redis nor origin", async () => {
    await redis.filter("1", "g1", shape, bytes, HIGHEST);
    await until("every worker has it", async () => {
      origin.seen.length = 0;
      await Promise.all(Array.from({ length: 20 }, (_, i) => get(`/products/${90_000_000 + i}`)));
      return origin.seen.length === 0;
    });
    const before = await readsOfRedis();
    origin.seen.length = 0;
    const ids = Array.from({ length: 1_000 }, (_, i) => 1_000_000 + 7 * i);
    await inBatches(ids, async (id) => {
      const answer = await get(id % 2 === 0 ? `/products/${id}` : `/products/${id}/likes`);
      assert.equal(answer.status, 404);
      assert.equal(answer.json().code, "product.not_found");
      assert.equal(answer.json().requestId, answer.headers["x-request-id"]);
      assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
    });
    assert.equal(origin.seen.length, 0);
    // Workers look for the epoch once a second, and their counters are written: nothing for each of the thousand.
    assert.ok((await readsOfRedis()) - before < 100);
  });

  test("between those that exist as few get through as the filter was made for", async () => {
    const odd = Array.from({ length: 1_000 }, (_, i) => 2 * i + 1);
    await inBatches(odd, async (id) => {
      assert.equal((await get(`/products/${id}`)).status, 404);
    });
    const passing = odd.filter((id) => mayBeMember(bytes, shape, id));
    assert.ok(passing.length < 3 * FALSE_POSITIVES * odd.length, `${passing.length} pass`);
    // Two workers may each have asked once.
    const asked = new Set(origin.seen.map(({ url }) => url));
    assert.deepEqual([...asked].sort(), passing.map((id) => `/products/${id}`).sort());
  });

  test("no product is ever taken for one that never was", async () => {
    origin.answer((seen, response) => answerJson(response, 200, { url: seen.url }));
    const even = Array.from({ length: HIGHEST / 2 }, (_, i) => 2 * (i + 1));
    await inBatches(even, async (id) => {
      assert.equal((await get(`/products/${id}`)).status, 200, String(id));
    });
  });

  test("nor one that was made a moment ago, announced or not, while others are made", async () => {
    origin.answer((seen, response) => answerJson(response, 200, { url: seen.url }));
    for (let id = HIGHEST + 1; id <= HIGHEST + 100; id++) {
      // The commit is there, the announcement is not.
      assert.equal((await get(`/products/${id}`)).status, 200, String(id));
      await redis.product(id, 1, { id });
      await redis.stock(id, 1, { available: 1 });
      // It may be on its way to some workers while the next is made.
      if (id % 10 === 0) {
        await until(
          "all know it",
          async () => (await get(`/products/${id}`)).headers["x-sluice-cache"] === "hit-worker",
        );
      }
    }
    // One far away: as when the database's counter was set.
    await redis.product(5_000_000, 1, { id: 5_000_000 });
    await redis.stock(5_000_000, 1, { available: 1 });
    await until("it is there", async () => (await get("/products/5000000")).status === 200);
    origin.seen.length = 0;
    assert.equal((await get("/products/6000000")).status, 404);
    assert.equal(origin.seen.length, 0);
  });

  test("without a relay that keeps up nothing is said of any id", async () => {
    // Made long after the last one that was announced.
    origin.answer((seen, response) => answerJson(response, 200, { url: seen.url }));
    await redis.relayKeepsUp(false);
    let id = 8_000_000;
    await until("a product is found that was not announced", async () => {
      id += 1;
      return (await get(`/products/${id}`)).status === 200;
    });
    const found = await Promise.all(Array.from({ length: 20 }, (_, i) => get(`/products/${8_100_000 + i}`)));
    assert.ok(found.some(({ status }) => status === 200));
    await redis.relayKeepsUp(true);
    await until("all workers say no again", async () => {
      origin.seen.length = 0;
      id += 20;
      await Promise.all(Array.from({ length: 20 }, (_, i) => get(`/products/${id + i}`)));
      return origin.seen.length === 0;
    });
  });

  test("a filter of another epoch says nothing, and a worker that starts again loads the one that holds", async () => {
    // What came lately is not in the bits yet.
    const ids = Array.from({ length: 5_000 }, (_, i) => 60_000_000 + 3 * i);
    await redis.client.set(filterNewIdsKey(PREFIX, PRODUCTS_FILTER), ids.map((id) => `${id},`).join(""));
    await edge.stop();
    await edge.start();
    await edge.untilFollowing();
    await until("every worker has it again", async () => {
      origin.seen.length = 0;
      await Promise.all(Array.from({ length: 20 }, (_, i) => get(`/products/${70_000_000 + i}`)));
      return origin.seen.length === 0;
    });
    origin.seen.length = 0;
    await inBatches(ids.slice(-100), async (id) => {
      assert.equal((await get(`/products/${id}`)).status, 404);
    });
    assert.ok(new Set(origin.seen.map(({ url }) => url)).size === 100, "the origin is asked for each new id");
    await redis.ready("2");
    await redis.change("epoch", "2", 1);
    await until("nothing is known any more", async () => {
      origin.seen.length = 0;
      await get(`/products/${Math.floor(Math.random() * 1e9) + 1e8}`);
      return origin.seen.length === 1;
    });
  });
});
