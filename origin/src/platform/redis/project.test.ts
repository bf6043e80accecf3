import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { CHANGE_IDS_MAX } from "@sluice/contract/change.ts";
import { accessEntriesKey, changesKey, leaderKey, productKey, sessionKey } from "@sluice/contract/keys.ts";
import fc from "fast-check";
import { pino } from "pino";
import { createTestRedisPrefix, startTestServices } from "../../../../cli/src/services/for-tests.ts";
import { connectRedis, untilReady } from "./connect.ts";
import {
  accessEntryProjection,
  productProjection,
  project,
  projectAll,
  sessionProjection,
  stockProjection,
} from "./project.ts";

const services = await startTestServices();
const place = await createTestRedisPrefix(services);
const redis = connectRedis(place.url, place.prefix, pino({ level: "silent" }));
await untilReady(redis, 5_000);
const inAnHour = Date.now() + 3_600_000;

beforeEach(async () => {
  await place.close();
});

after(async () => {
  await redis.close();
  await place.close();
  await services.close();
});

const changes = async () => {
  const entries = await redis.client.xrange(changesKey(place.prefix), "-", "+");
  return entries.map(([, fields]) => fields.join(" "));
};

test("whatever the order of arrival and however often, the newest version stands", async () => {
  let id = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
      async (versions) => {
        id += 1;
        const applied = await projectAll(
          redis,
          versions.map((version) => productProjection({ id, version, document: `{"of":${version}}` })),
        );
        const newest = Math.max(...versions);
        const held = await redis.client.hgetall(productKey(place.prefix, String(id)));
        assert.deepEqual(held, { "product.v": String(newest), "product.d": `{"of":${newest}}` });
        const records = versions.filter((version, at) => version > Math.max(0, ...versions.slice(0, at)));
        assert.equal(applied.filter(Boolean).length, records.length);
      },
    ),
    { numRuns: 60 },
  );
});

test("the two parts of a product page have versions of their own", async () => {
  await project(redis, productProjection({ id: 7, version: 9, document: '{"id":7}' }));
  await project(redis, stockProjection({ id: 7, version: 2, document: '{"available":1}' }));
  assert.deepEqual(await redis.client.hgetall(productKey(place.prefix, "7")), {
    "product.v": "9",
    "product.d": '{"id":7}',
    "stock.v": "2",
    "stock.d": '{"available":1}',
  });
});

test("changes of one kind share entries of the stream, in the order in which they were applied", async () => {
  const stocks = Array.from({ length: 40 }, (_, n) =>
    stockProjection({ id: n, version: n + 1, document: "{}" }),
  );
  const product = productProjection({ id: 1, version: 1, document: "{}" });
  await projectAll(redis, [...stocks, product, ...stocks]);
  const named = (from: number, to: number) =>
    stocks.slice(from, to).map(({ id, version }) => `id ${id} v ${version}`);
  assert.deepEqual(await changes(), [
    ["k stock", ...named(0, CHANGE_IDS_MAX)].join(" "),
    ["k stock", ...named(CHANGE_IDS_MAX, 2 * CHANGE_IDS_MAX)].join(" "),
    ["k stock", ...named(2 * CHANGE_IDS_MAX, 40)].join(" "),
    "k product id 1 v 1",
  ]);
});

test("what names another leader's token is refused as a whole", async () => {
  const write = [stockProjection({ id: 1, version: 1, document: "{}" })];
  await assert.rejects(projectAll(redis, write, { token: "mine" }), /^ReplyError: FENCED/);
  await redis.client.set(leaderKey(place.prefix), "another");
  await assert.rejects(projectAll(redis, write, { token: "mine" }), /FENCED/);
  assert.equal(await redis.client.exists(productKey(place.prefix, "1")), 0);
  await redis.client.set(leaderKey(place.prefix), "mine");
  assert.deepEqual(await projectAll(redis, write, { token: "mine" }), [true]);
});

test("a refill replaces a document of the same version that looks different, and never a newer one", async () => {
  const session = { id: "s-9", expiresAtMs: inAnHour };
  const entry = { id: 9, list: "deny", cidr: "192.0.2.9", expiresAtMs: 0, removed: false } as const;
  const writes = (version: number, look: string) => [
    productProjection({ id: 9, version, document: look }),
    sessionProjection({ ...session, version, document: look === "" ? undefined : look }),
    accessEntryProjection({ ...entry, version, cidr: `192.0.2.${look.length}` }),
  ];
  await projectAll(redis, writes(5, "{}"));
  const refill = (version: number, look: string, announced = true) =>
    projectAll(redis, writes(version, look), { mode: "refill", announced });
  assert.deepEqual(await refill(5, "{}"), [false, false, false]);
  assert.deepEqual(await refill(4, '{"older":1}'), [false, false, false]);
  assert.deepEqual(await refill(5, '{"same":1}'), [true, true, true]);
  const announcedBefore = (await changes()).length;
  assert.deepEqual(await refill(6, '{"newer":1}', false), [true, true, true]);
  assert.equal((await changes()).length, announcedBefore);
  assert.deepEqual(await redis.client.hgetall(sessionKey(place.prefix, "s-9")), { v: "6", d: '{"newer":1}' });
});

test("only what was news is told to the change stream", async () => {
  const write = stockProjection({ id: 3, version: 5, document: "{}" });
  assert.equal(await project(redis, write), true);
  assert.equal(await project(redis, write), false);
  assert.equal(await project(redis, { ...write, version: 4 }), false);
  assert.deepEqual(await changes(), ["k stock id 3 v 5"]);
});

test("a late fill does not bring a revoked session back", async () => {
  const session = { id: "s-1", expiresAtMs: inAnHour };
  await project(redis, sessionProjection({ ...session, version: 2, document: undefined }));
  assert.equal(await project(redis, sessionProjection({ ...session, version: 1, document: "{}" })), false);
  assert.deepEqual(await redis.client.hgetall(sessionKey(place.prefix, "s-1")), { v: "2" });
  assert.equal(await redis.client.pexpiretime(sessionKey(place.prefix, "s-1")), inAnHour);
});

test("an entry that lies in the past is not kept", async () => {
  await project(redis, sessionProjection({ id: "s-2", expiresAtMs: 1, version: 1, document: "{}" }));
  assert.equal(await redis.client.exists(sessionKey(place.prefix, "s-2")), 0);
});

test("list entries carry their document to the change stream", async () => {
  const entry = { id: 1, list: "deny", cidr: "192.0.2.0/24", expiresAtMs: 0, removed: false } as const;
  assert.equal(await project(redis, accessEntryProjection({ ...entry, version: 10 })), true);
  assert.equal(await project(redis, accessEntryProjection({ ...entry, version: 9 })), false);
  const held = await redis.client.hget(accessEntriesKey(place.prefix), "1");
  assert.deepEqual(JSON.parse(held ?? ""), { ...entry, version: 10 });
  assert.deepEqual(await changes(), [`k access id 1 v 10 d ${held}`]);
});

test("versions beyond 2^53 are compared exactly, as text", async () => {
  const at = (version: string) => productProjection({ id: 8, version, document: version });
  assert.equal(await project(redis, at("9007199254740993")), true);
  assert.equal(await project(redis, at("9007199254740992")), false);
  assert.equal(await project(redis, at("18446744073709551615")), true);
});

test("a Redis that forgot the script is given it again", async () => {
  await redis.client.script("FLUSH");
  const writes = [1, 2, 3].map((version) => productProjection({ id: 9, version, document: "{}" }));
  assert.deepEqual(await projectAll(redis, writes), [true, true, true]);
});

test("a Redis that is not there fails the call at once", async () => {
  const nowhere = connectRedis("redis://127.0.0.1:1", "", pino({ level: "silent" }));
  try {
    await assert.rejects(project(nowhere, productProjection({ id: 1, version: 1, document: "{}" })));
    assert.equal(nowhere.isUp(), false);
  } finally {
    await nowhere.close();
  }
});
