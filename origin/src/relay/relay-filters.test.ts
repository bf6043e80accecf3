import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import {
  changesKey,
  FILTER_BITS,
  FILTER_BUILDING,
  FILTER_EPOCH,
  FILTER_GENERATION,
  FILTER_HASHES,
  FILTER_HIGHEST,
  filterBitsKey,
  filterKey,
  filterNewIdsKey,
  leaderKey,
  PRODUCTS_FILTER,
  readyKey,
} from "@sluice/contract/keys.ts";
import { filterEpoch, mayBeMember, membershipShape } from "@sluice/contract/membership.ts";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
} from "../../../cli/src/services/for-tests.ts";
import { filterStore } from "./filter-store.ts";
import { readStatus } from "./module.ts";
import { openFixture, type RelayFixture, things, until } from "./relay-fixture.ts";

const services = await startTestServices();
const vhost = await createTestVhost(services);
after(async () => {
  await vhost.close();
  await services.close();
});

const filtered = { ...things, filter: PRODUCTS_FILTER };

let f: RelayFixture;
let closePlace: () => Promise<void>;

beforeEach(async () => {
  const [database, prefix] = await Promise.all([
    createTestDatabase(services),
    createTestRedisPrefix(services),
  ]);
  closePlace = async () => {
    await Promise.all([database.close(), prefix.close()]);
  };
  f = await openFixture({
    mysqlUrl: database.url,
    redisUrl: prefix.url,
    redisPrefix: prefix.prefix,
    rabbitmqUrl: vhost.url,
  });
});

afterEach(async () => {
  await f.close();
  await closePlace();
});

interface Held {
  readonly generation: string;
  readonly epoch: string;
  readonly highest: number;
  has(id: number): boolean;
}

/** What an edge would load now; undefined when it would find none. */
async function held(): Promise<Held | undefined> {
  const { client, prefix } = f.redis;
  const newIds = (await client.get(filterNewIdsKey(prefix, PRODUCTS_FILTER))) ?? "";
  const meta = await client.hgetall(filterKey(prefix, PRODUCTS_FILTER));
  const generation = meta[FILTER_GENERATION];
  if (generation === undefined) return undefined;
  const bytes = await client.getBuffer(filterBitsKey(prefix, PRODUCTS_FILTER, generation));
  const shape = { bits: Number(meta[FILTER_BITS]), hashes: Number(meta[FILTER_HASHES]) };
  // Another one took its place in between: an edge looks again, too.
  const now = await client.hget(filterKey(prefix, PRODUCTS_FILTER), FILTER_GENERATION);
  if (bytes === null || now !== generation) return held();
  assert.equal(bytes.length, shape.bits / 8);
  const listed = new Set(newIds.split(",").slice(0, -1).map(Number));
  return {
    generation,
    epoch: meta[FILTER_EPOCH] ?? "",
    highest: Number(meta[FILTER_HIGHEST]),
    has: (id) => mayBeMember(bytes, shape, id) || listed.has(id),
  };
}

async function insertThings(count: number): Promise<void> {
  await f.sql.query("INSERT INTO things (name) VALUES ?", [Array.from({ length: count }, () => ["thing"])]);
}

const untilFilter = (isSo: (filter: Held) => boolean) =>
  until("the filter is in use", async () => {
    const filter = await held();
    return filter !== undefined && isSo(filter);
  });

function missing(filter: Held | undefined, ids: number): number[] {
  assert(filter !== undefined);
  return Array.from({ length: ids }, (_, index) => index + 1).filter((id) => !filter.has(id));
}

test("it knows every id that was there, and every new one before it is announced", async () => {
  await insertThings(1_500);
  await f.startRelay([filtered]);
  await untilFilter(({ highest }) => highest === 1_500);
  assert.deepEqual(missing(await held(), 1_500), []);
  const others = Array.from({ length: 2_000 }, (_, index) => 1_000_000 + index);
  const filter = await held();
  assert.ok(others.filter((id) => filter?.has(id)).length < 20);

  const { client, prefix } = f.redis;
  let last = (await client.xrevrange(changesKey(prefix), "+", "-", "COUNT", 1))[0]?.[0] ?? "0-0";
  const inserting = (async () => {
    for (let i = 0; i < 40; i++) await insertThings(10);
  })();
  let announced = 1_500;
  await until("all are announced", async () => {
    const entries = await client.xrange(changesKey(prefix), `(${last}`, "+");
    const now = await held();
    for (const [id, fields] of entries) {
      last = id;
      if (fields[1] !== "product") continue;
      const ids = fields.filter((_, at) => at > 1 && fields[at - 1] === "id").map(Number);
      // An edge that loads the filter now finds them: they were announced before.
      assert.deepEqual(
        ids.filter((one) => !now?.has(one)),
        [],
      );
      assert.ok((now?.highest ?? 0) >= Math.max(...ids));
      announced = Math.max(announced, ...ids);
    }
    return announced === 1_900;
  });
  await inserting;
  await until("the status says so", async () => {
    const [status] = (await readStatus(f.redis))?.filters ?? [];
    return status?.filter === PRODUCTS_FILTER && !status.building && status.falsePositives > 0;
  });
});

test("made for another number of ids it is built anew beside the one in use, while rows are written", async () => {
  await insertThings(3_000);
  const first = await f.startRelay([filtered], 5_000);
  await untilFilter(({ highest }) => highest === 3_000);
  const { generation } = (await held()) as Held;
  await first.close();
  await insertThings(100);
  let writing = true;
  let written = 3_100;
  const writer = (async () => {
    while (writing) {
      await insertThings(7);
      written += 7;
    }
  })();
  await f.startRelay([filtered], 50_000);
  await until("another one is in use, and nothing was missing meanwhile", async () => {
    const filter = await held();
    assert.deepEqual(missing(filter, 3_000), []);
    return filter?.generation !== generation;
  });
  writing = false;
  await writer;
  await untilFilter(({ highest }) => highest === written);
  assert.deepEqual(missing(await held(), written), []);
  const { client, prefix } = f.redis;
  assert.equal(
    await client.exists(filterBitsKey(prefix, PRODUCTS_FILTER, generation)),
    0,
    "the old bits are gone",
  );
});

test("after Redis was wiped it is built for the new epoch", async () => {
  await insertThings(50);
  await f.startRelay([filtered]);
  await untilFilter(({ highest }) => highest === 50);
  const { epoch } = (await held()) as Held;
  const { client, prefix } = f.redis;
  const keys = await client.keys(`${prefix}*`);
  await client.del(...keys);
  await untilFilter((filter) => filter.epoch !== epoch && filter.highest === 50);
  assert.deepEqual(missing(await held(), 50), []);
  await until("ready", async () => {
    const ready = (await client.get(readyKey(prefix))) ?? "";
    return filterEpoch(ready) === (await held())?.epoch;
  });
});

test("many new ids go from their list into the bits, and none is missing meanwhile", async () => {
  await insertThings(10);
  await f.startRelay([filtered], 100_000);
  await untilFilter(({ highest }) => highest === 10);
  const { client, prefix } = f.redis;
  const newIds = filterNewIdsKey(prefix, PRODUCTS_FILTER);
  let longest = 0;
  let shorter = false;
  let last = 1_000_000;
  while (!shorter) {
    const first = last + 1;
    last += 5_000;
    await f.sql.query(`INSERT INTO things (id, name) SELECT seq, 'thing' FROM seq_${first}_to_${last}`);
    await untilFilter(({ highest }) => highest === last);
    const filter = (await held()) as Held;
    for (let id = 1_000_001; id <= last; id++) assert.ok(filter.has(id), String(id));
    const bytes = await client.strlen(newIds);
    shorter = bytes < longest;
    longest = Math.max(longest, bytes);
    assert.ok(last < 1_100_000, "they are never taken from the list");
  }
  assert.deepEqual(missing(await held(), 10), []);
});

test("who was replaced as a leader, or means bits that were taken away, writes nothing", async () => {
  await insertThings(10);
  await f.startRelay([filtered]);
  await untilFilter(({ highest }) => highest === 10);
  const { client, prefix } = f.redis;
  const { generation, epoch } = (await held()) as Held;
  const token = (await client.get(leaderKey(prefix))) ?? "";
  const leads = { token, epoch: epoch.replace(/\/.*/, "") };
  const shape = membershipShape(10_000, 0.001);
  const gone = { generation: "one before", shape };
  const store = filterStore(f.redis, PRODUCTS_FILTER, leads);
  await assert.rejects(store.writeBits(gone, Buffer.alloc(10, 255)), /no longer holds the filter/);
  await assert.rejects(store.use(gone, undefined, 13), /no longer holds the filter/);
  assert.equal(await client.exists(filterBitsKey(prefix, PRODUCTS_FILTER, gone.generation)), 0);
  const former = filterStore(f.redis, PRODUCTS_FILTER, { ...leads, token: "former" });
  for (const write of [
    () => former.addNew([12]),
    () => former.dropNew(1),
    () => former.writeBits({ generation, shape }, Buffer.alloc(10, 255)),
    () => former.use({ generation, shape }, undefined, 13),
    () => former.begin(membershipShape(20_000, 0.001)),
  ]) {
    await assert.rejects(write, /FENCED/);
  }
  assert.equal((await held())?.highest, 10);
});

test("a filter that somebody removed is built again", async () => {
  await insertThings(10);
  await f.startRelay([filtered]);
  await untilFilter(({ highest }) => highest === 10);
  const { client, prefix } = f.redis;
  await client.del(filterKey(prefix, PRODUCTS_FILTER));
  await insertThings(1);
  await untilFilter(({ highest }) => highest === 11);
  assert.deepEqual(missing(await held(), 11), []);
});

test("bits that a relay left unfinished are taken away by one that wants another size, or other hashes", async () => {
  await insertThings(10);
  const { client, prefix } = f.redis;
  const first = await f.startRelay([filtered]);
  await untilFilter(({ highest }) => highest === 10);
  await first.close();
  const { generation } = (await held()) as Held;
  const bitsKey = (one: string) => filterBitsKey(prefix, PRODUCTS_FILTER, one);
  await client.setbit(bitsKey("unfinished"), 7, 1);
  await client.hset(filterKey(prefix, PRODUCTS_FILTER), FILTER_BUILDING, "unfinished");
  const second = await f.startRelay([filtered], 20_000);
  await untilFilter((filter) => filter.generation !== generation);
  assert.equal(await client.exists(bitsKey("unfinished"), bitsKey(generation)), 0);
  await second.close();

  const ofOtherHashes = ((await held()) as Held).epoch.replace(/\d+$/, "1");
  await client.hset(filterKey(prefix, PRODUCTS_FILTER), FILTER_EPOCH, ofOtherHashes);
  await f.startRelay([filtered], 20_000);
  await untilFilter(({ epoch }) => epoch !== ofOtherHashes);
  assert.deepEqual(missing(await held(), 10), []);
});
