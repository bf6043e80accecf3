import assert from "node:assert/strict";
import { after as afterAll, test } from "node:test";
import { formerLikersKey, likersKey, likesKey, readyKey } from "@sluice/contract/keys.ts";
import { LIKERS_KEPT_MAX, memberOf } from "@sluice/contract/likes.ts";
import fc from "fast-check";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { startTestShop } from "../../../test/start-shop.ts";
import { until } from "../../../test/until.ts";
import { composeRelay } from "../../compose.ts";
import { readConfig } from "../../config.ts";
import { createLogger } from "../../platform/logger.ts";
import { openDatabase } from "../../platform/mysql/database.ts";
import { connectRedis, untilReady } from "../../platform/redis/connect.ts";
import { redisScript } from "../../platform/redis/script.ts";
import { after, type LikeAction, type LikeState } from "./domain/like.ts";
import { createLikes } from "./module.ts";

const services = await startTestServices();
const place = await createTestDatabase(services);
const prefix = await createTestRedisPrefix(services);
const vhost = await createTestVhost(services);
const places = {
  mysqlUrl: place.url,
  redisUrl: prefix.url,
  redisPrefix: prefix.prefix,
  rabbitmqUrl: vhost.url,
};
const shop = await startTestShop(places);
const relay = await composeRelay(
  readConfig("relay", {
    MYSQL_URL: places.mysqlUrl,
    REDIS_URL: places.redisUrl,
    REDIS_PREFIX: places.redisPrefix,
    RABBITMQ_URL: places.rabbitmqUrl,
    LOG_LEVEL: "warn",
  }),
);
const logger = createLogger("test", "warn", process.stderr);
const database = openDatabase(places.mysqlUrl);
const redis = connectRedis(places.redisUrl, places.redisPrefix, logger);
await untilReady(redis, 5_000);
const products = { isActive: async () => true };
const likes = createLikes({ database, redis, products, clock: Date.now });
await until(
  "the projections are complete",
  async () => (await redis.client.exists(readyKey(redis.prefix))) === 1,
);

afterAll(async () => {
  await relay.close();
  await redis.close();
  await database.close();
  await shop.close();
  await prefix.close();
  await vhost.close();
  await place.close();
  await services.close();
});

const countInRedis = async (productId: number) => {
  const document = await redis.client.hget(likesKey(redis.prefix, String(productId)), "d");
  return document === null ? undefined : (JSON.parse(document) as { likes: number }).likes;
};

test("a like is one however often it is sent, and can be taken back", async () => {
  const ann = await shop.join();
  const bob = await shop.join();
  const product = await shop.product(1);
  const act = (method: string, token: string, query = "") =>
    shop.api.call(method, `/products/${product}/like${query}`, undefined, {
      authorization: `Bearer ${token}`,
    });
  const nobody = await shop.api.call("GET", `/products/${product}/likes`);
  assert.deepEqual(nobody.body, { count: 0, items: [], nextCursor: null });
  for (let i = 0; i < 2; i++) {
    const liked = await act("PUT", ann.token, `?at=${1_000 + i}`);
    assert.equal(liked.status, 200, JSON.stringify(liked.body));
    assert.deepEqual(liked.body, { productId: product, liked: true, likes: 1 });
  }
  assert.equal((await act("PUT", bob.token, "?at=2000")).body.likes, 2);
  const listed = await until("both are listed", async () => {
    const { body } = await shop.api.call("GET", `/products/${product}/likes`);
    return body.count === 2 && body.items[1]?.likedAt.endsWith("001Z") && body;
  });
  assert.deepEqual(listed.items, [
    { userId: bob.id, likedAt: "1970-01-01T00:00:02.000Z" },
    { userId: ann.id, likedAt: "1970-01-01T00:00:01.001Z" },
  ]);
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await act("DELETE", ann.token)).body, { productId: product, liked: false, likes: 1 });
  }
  assert.deepEqual(
    (await act("PUT", ann.token, "?at=1500")).body.liked,
    false,
    "it was before she took it back",
  );
  const mine = await bob.get("/users/me/likes");
  assert.deepEqual(mine.body, {
    items: [{ productId: product, likedAt: "1970-01-01T00:00:02.000Z" }],
    nextCursor: null,
  });
  assert.deepEqual((await ann.get("/users/me/likes")).body.items, []);
});

test("what is not there, not allowed or not readable is refused", async () => {
  const ann = await shop.join();
  const product = await shop.product(1);
  const headers = { authorization: `Bearer ${ann.token}` };
  const call = (method: string, path: string) => shop.api.call(method, path, undefined, headers);
  assert.equal((await call("PUT", "/products/999999/like")).body.code, "product.not_found");
  assert.equal((await call("GET", "/products/999999/likes")).body.code, "product.not_found");
  assert.equal((await call("PUT", `/products/${product}/like?at=-1`)).status, 400);
  assert.equal((await call("PUT", `/products/${product}/like?at=x`)).status, 400);
  assert.equal((await call("PUT", `/products/${product}/like?when=1`)).status, 400);
  assert.equal((await shop.api.call("PUT", `/products/${product}/like`)).status, 401);
  assert.equal(
    (await call("GET", `/products/${product}/likes?cursor=abc`)).body.code,
    "likes.cursor_invalid",
  );
  assert.equal((await call("GET", "/users/me/likes?cursor=1-2-3")).body.code, "likes.cursor_invalid");
  const ahead = await call("PUT", `/products/${product}/like?at=${Date.now() + 3_600_000}`);
  assert.equal(ahead.body.liked, true);
  assert.equal(
    (await call("DELETE", `/products/${product}/like`)).body.liked,
    false,
    "a clock ahead blocks nothing",
  );
});

test("the last action by the client's time wins, in whatever order they arrive", () => {
  const action = fc.record({ liked: fc.boolean(), atMs: fc.integer({ min: 0, max: 50 }) });
  const actions = fc.uniqueArray(action, { selector: ({ atMs }) => atMs, minLength: 1, maxLength: 8 });
  const given = actions.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  fc.assert(
    fc.property(given, ([list, arriving]) => {
      const end = arriving.reduce<LikeState | undefined>(
        (held, one) => after(held, { productId: 1, userId: 1, ...one }),
        undefined,
      );
      const last = list.reduce((a, b) => (b.atMs > a.atMs ? b : a));
      assert.deepEqual(end, { liked: last.liked, actedAtMs: last.atMs });
    }),
  );
});

test("a thousand users toggle one product at once, and all is exact at the end", async () => {
  const product = await shop.product(1);
  const begunMs = Date.now() - 60_000;
  const actions: LikeAction[] = [];
  const last = new Map<number, boolean>();
  for (let userId = 1; userId <= 1_000; userId++) {
    const times = 2 + (userId % 2);
    for (let i = 0; i < times; i++) {
      actions.push({ productId: product, userId, liked: i % 2 === 0, atMs: begunMs + 10 * i + (userId % 7) });
      last.set(userId, i % 2 === 0);
    }
  }
  actions.sort(() => Math.random() - 0.5);
  await Promise.all(actions.map((action) => likes.act(action)));
  const expected = [...last.values()].filter(Boolean).length;
  assert.equal(expected, 500);
  const [row] = await database.query<{ likes: number; recorded: string }>(
    `SELECT likes, (SELECT SUM(liked) FROM likes WHERE product_id = ?) AS recorded
     FROM like_counts WHERE product_id = ?`,
    [product, product],
  );
  assert.deepEqual({ likes: row?.likes, recorded: Number(row?.recorded) }, { likes: 500, recorded: 500 });
  await until("Redis has the count", async () => (await countInRedis(product)) === 500);
  const members = async () => redis.client.zrange(likersKey(redis.prefix, String(product)), "0", "-1");
  await until("Redis has exactly those who like it", async () => (await members()).length === 500);
  const likers = [...last].filter(([, liked]) => liked).map(([userId]) => memberOf(String(userId)));
  assert.deepEqual((await members()).sort(), likers.sort());
  await shop.auditIsClean();
});

test("pages beyond what Redis keeps join with those before, without gap or duplicate", async () => {
  const product = await shop.product(1);
  const people = LIKERS_KEPT_MAX + 150;
  // Some have the same time, also where Redis ends.
  const atMs = (userId: number) => 1_700_000_000_000 + Math.floor(userId / 4);
  const acting = Array.from({ length: people }, (_, index) =>
    likes.act({ productId: product, userId: index + 1, liked: true, atMs: atMs(index + 1) }),
  );
  await Promise.all(acting);
  await until("Redis has the count", async () => (await countInRedis(product)) === people);
  const kept = () => redis.client.zcard(likersKey(redis.prefix, String(product)));
  await until("Redis has cut off the oldest", async () => {
    const floor = await redis.client.hget(likesKey(redis.prefix, String(product)), "floor");
    return (
      floor !== null &&
      Number(floor) >= atMs(people - LIKERS_KEPT_MAX) &&
      (await kept()) > LIKERS_KEPT_MAX - 10
    );
  });
  const expected = Array.from({ length: people }, (_, index) => people - index);
  for (const limit of [100, 7]) {
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const page = await shop.api.call("GET", `/products/${product}/likes?limit=${limit}${query}`);
      assert.equal(page.status, 200, JSON.stringify(page.body));
      assert.equal(page.body.count, people);
      seen.push(...page.body.items.map(({ userId }: { userId: number }) => userId));
      cursor = page.body.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen, expected);
  }
  await shop.auditIsClean();
});

test("whatever the order in which rows come, and however often, Redis holds all above its floor", async () => {
  const script = redisScript(new URL("../../platform/redis/rank.lua", import.meta.url));
  const keptMax = 4;
  const row = fc.record({ user: fc.integer({ min: 1, max: 9 }), at: fc.integer({ min: 1, max: 40 }) });
  const history = fc.uniqueArray(row, {
    selector: ({ user, at }) => `${user} ${at}`,
    minLength: 1,
    maxLength: 25,
  });
  const given = history.chain((rows) =>
    fc.tuple(
      fc.constant(rows),
      fc.array(fc.constantFrom(...rows), { maxLength: 30 }),
      fc.shuffledSubarray(rows, { minLength: rows.length }),
    ),
  );
  let round = 0;
  await fc.assert(
    fc.asyncProperty(given, async ([rows, repeated, shuffled]) => {
      const id = `rank${++round}`;
      const names = [
        likesKey(redis.prefix, id),
        likersKey(redis.prefix, id),
        formerLikersKey(redis.prefix, id),
      ];
      const keys = ["unused", "unused"];
      const args = ["", "10", "0", "likes", String(keptMax)];
      // Every third action takes the like back.
      for (const { user, at } of [...repeated, ...shuffled]) {
        keys.push(...names);
        args.push(id, memberOf(String(user)), String(at), at % 3 === 0 ? "" : "1");
      }
      await script.run(redis.client, keys, args);
      const floor = Number((await redis.client.hget(names[0] as string, "floor")) ?? 0);
      const lastOf = new Map<number, number>();
      for (const { user, at } of rows) lastOf.set(user, Math.max(at, lastOf.get(user) ?? 0));
      const above = (liked: boolean) =>
        [...lastOf]
          .filter(([, at]) => at > floor && (at % 3 !== 0) === liked)
          .map(([user]) => memberOf(String(user)))
          .sort();
      const likers = await redis.client.zrange(names[1] as string, "0", "-1");
      const former = await redis.client.zrange(names[2] as string, "0", "-1");
      await redis.client.del(...names);
      assert.deepEqual(likers.sort(), above(true));
      assert.deepEqual(former.sort(), above(false));
      assert.ok(likers.length <= keptMax && former.length <= keptMax);
    }),
    { numRuns: 200 },
  );
});
