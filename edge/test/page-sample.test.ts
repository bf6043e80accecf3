import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { COHERENCE_AGES_MS, differingField, FIELD_SAMPLED } from "@sluice/contract/coherence.ts";
import {
  FIELD_DOCUMENT,
  FIELD_VERSION,
  PART_PRODUCT,
  PART_STOCK,
  pageSampleKey,
  productKey,
} from "@sluice/contract/keys.ts";
import { type EdgeUnderTest, startEdge } from "./edge-under-test.ts";
import { ask } from "./http.ts";
import { answerJson, type OriginUnderTest, startOrigin } from "./origin-under-test.ts";
import { until } from "./processes.ts";
import { PREFIX, type RedisUnderTest, startRedis } from "./redis-under-test.ts";

let redis: RedisUnderTest;
let origin: OriginUnderTest;
let edge: EdgeUnderTest;

before(async () => {
  redis = await startRedis();
  origin = await startOrigin();
  origin.answer((seen, response) =>
    answerJson(response, 404, {
      code: "product.not_found",
      status: 404,
      requestId: seen.headers["x-request-id"],
    }),
  );
  await redis.ready("1");
  for (const id of [1, 2, 3]) {
    await redis.product(id, 1, { id });
    await redis.stock(id, 1, { available: 1 });
  }
  edge = await startEdge({ redisPort: redis.port, originPort: origin.port });
  await edge.untilFollowing();
});

after(async () => {
  await edge?.close();
  await origin?.close();
  await redis?.close();
});

const get = (id: number) => ask(edge.port, `/products/${id}`);

async function untilHeld(id: number): Promise<void> {
  await until(`${id} is in memory`, async () => (await get(id)).headers["x-sluice-cache"] === "hit-worker");
}

async function counters() {
  const found = await redis.client.hgetall(pageSampleKey(PREFIX));
  const count = (field: string) => Number(found[field] ?? 0);
  return {
    sampled: count(FIELD_SAMPLED),
    differing: COHERENCE_AGES_MS.map((ageMs) => count(differingField(ageMs))),
  };
}

/** All pages that are held were looked at since. */
async function looks(times: number): Promise<void> {
  const before = (await counters()).sampled;
  await until("more samples", async () => (await counters()).sampled > before + 3 * times);
}

/** Writes a part as nobody should: no worker hears of it. */
async function writeQuietly(id: number, part: string, document: object): Promise<void> {
  await redis.client.hset(productKey(PREFIX, String(id)), {
    [part + FIELD_VERSION]: 9,
    [part + FIELD_DOCUMENT]: JSON.stringify(document),
  });
}

test("pages that are true are sampled and not counted, also while they change", async () => {
  for (let version = 2; version < 10; version++) {
    for (const id of [1, 2, 3]) await redis.stock(id, version, { available: version });
    for (const id of [1, 2, 3]) await untilHeld(id);
  }
  await looks(2);
  assert.equal((await counters()).differing.at(-1), 0);
});

test("a page that lost its change, and a 404 of what is there by now, are counted at each age and named", async () => {
  for (const id of [1, 2, 3, 7]) await untilHeld(id);
  await writeQuietly(2, PART_PRODUCT, { id: 2, name: "changed" });
  await writeQuietly(7, PART_PRODUCT, { id: 7 });
  await writeQuietly(7, PART_STOCK, { available: 1 });
  await until("both were looked at for the last time", async () => (await counters()).differing.at(-1) === 2);
  const { differing } = await counters();
  assert.ok(differing.every((count) => count >= 2));
  const log = edge.log();
  for (const id of [1, 2, 3, 7]) {
    const named = log.includes(`/products/${id} in this worker's memory differs from Redis`);
    assert.equal(named, id === 2 || id === 7, `product ${id}`);
  }
  // What names them ends it.
  await redis.change("product", "2", 9);
  await redis.change("product", "7", 9);
  for (const id of [2, 7]) await untilHeld(id);
  const { differing: before } = await counters();
  await looks(2);
  assert.deepEqual((await counters()).differing.at(-1), before.at(-1));
});
