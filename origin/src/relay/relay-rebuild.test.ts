import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fillsKey } from "@sluice/contract/keys.ts";
import { Redis } from "ioredis";
import { freePorts } from "../../../cli/src/process/ports.ts";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { stockProjection } from "../platform/redis/project.ts";
import { projectedTable } from "../platform/redis/projected-table.ts";
import { requestRebuild } from "./operate.ts";
import { openFixture, type RelayFixture, things, until } from "./relay-fixture.ts";

let services: TestServices;
let rabbitmqUrl: string;
const closing: (() => Promise<void>)[] = [];

before(async () => {
  services = await startTestServices();
  const vhost = await createTestVhost(services);
  rabbitmqUrl = vhost.url;
  closing.push(vhost.close, services.close);
});

after(async () => {
  for (const close of closing) await close();
});

async function fixture(redis?: { url: string; prefix: string }): Promise<RelayFixture & AsyncDisposable> {
  const database = await createTestDatabase(services);
  const keys = redis ?? (await createTestRedisPrefix(services));
  const opened = await openFixture({
    mysqlUrl: database.url,
    redisUrl: keys.url,
    redisPrefix: keys.prefix,
    rabbitmqUrl,
  });
  return {
    ...opened,
    [Symbol.asyncDispose]: async () => {
      await opened.close();
      await database.close();
    },
  };
}

const epochOf = (f: RelayFixture) => f.redis.client.get(`${f.redis.prefix}ready`);
const productKeyOf = (f: RelayFixture, id: number) => `${f.redis.prefix}product:${id}`;

async function ready(f: RelayFixture): Promise<void> {
  const before = f.log.length;
  await until("ready", () => f.log.slice(before).some(({ msg }) => msg === "ready"), 30_000);
}

test("a fill that was cut short goes on with the next page", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) SELECT CONCAT('n', seq) FROM seq_1_to_20000");
  const first = await f.startRelay();
  const reached = async () => JSON.parse((await f.redis.client.get(fillsKey(f.redis.prefix))) ?? "{}");
  await until("some pages", async () => Number((await reached()).things?.after) >= 2_000, 30_000);
  await first.close();
  assert.ok(
    Number((await reached()).things?.after) < 20_000,
    "the fill was complete before it was cut short",
  );
  await f.redis.client.del(productKeyOf(f, 1));
  await f.startRelay();
  await ready(f);
  assert.equal((await f.projected(20_000)).version, "1");
  assert.equal((await f.projected(1)).version, null, "the fill began from the start");
});

test("what is declared anew is filled anew, and nothing else", async () => {
  const labels = projectedTable({
    table: "labels",
    primaryKey: "id",
    columns: ["id", "version"],
    revision: 1,
    keys: "product:*",
    projections: ({ id, version }) => [
      stockProjection({ id: Number(id), version: String(version), document: '{"by":"a fill"}' }),
    ],
  });
  const shouted = { ...things, revision: 2, projections: shout };
  await using f = await fixture();
  await f.sql.query("CREATE TABLE labels (id INT PRIMARY KEY, version BIGINT)");
  await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
  await f.sql.query("INSERT INTO labels VALUES (1, 1)");
  const first = await f.startRelay([things, labels]);
  await ready(f);
  const epoch = await epochOf(f);
  await first.close();
  await f.redis.client.hset(productKeyOf(f, 1), "stock.d", '{"by":"hand"}');
  await f.startRelay([shouted, labels]);
  await until(
    "the new look",
    async () => (await f.projected(2)).document !== undefined && isShouted(await f.projected(2)),
  );
  assert.ok(isShouted(await f.projected(1)));
  assert.equal(await f.redis.client.hget(productKeyOf(f, 1), "stock.d"), '{"by":"hand"}');
  assert.equal(await epochOf(f), epoch);
  assert.equal((await f.projected(1)).version, "1");
});

function shout(row: Parameters<typeof things.projections>[0]) {
  return things.projections(row).map((one) => ({ ...one, document: one.document?.toUpperCase() }));
}

function isShouted({ document }: { document: unknown }): boolean {
  return JSON.stringify(document).includes('"NAME"');
}

test("asked to rebuild, the relay writes over what is wrong while everything goes on", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
  await f.startRelay();
  await ready(f);
  const epoch = await epochOf(f);
  await f.redis.client.hset(productKeyOf(f, 1), "product.d", '{"id":1,"name":"wrong"}');
  await f.redis.client.del(productKeyOf(f, 2));
  assert.equal(await requestRebuild(f.redis, { projections: ["others"], fromScratch: false }), true);
  await ready(f);
  assert.deepEqual((await f.projected(1)).document, { id: 1, name: "wrong" });
  assert.equal(await requestRebuild(f.redis, { projections: ["things"], fromScratch: false }), true);
  await until("what was missing", async () => (await f.projected(2)).version === "1");
  assert.deepEqual((await f.projected(1)).document, { id: 1, name: "tea" });
  assert.equal(await epochOf(f), epoch);
});

test("from scratch, versions that are ahead of the table go as well", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await f.startRelay();
  await ready(f);
  const epoch = await epochOf(f);
  await f.redis.client.hset(productKeyOf(f, 1), "product.v", "99");
  await f.redis.client.hset(productKeyOf(f, 7), "product.v", "1", "product.d", "{}");
  assert.equal(await requestRebuild(f.redis, { projections: null, fromScratch: true }), true);
  await until("a new epoch", async () => ![null, epoch].includes(await epochOf(f)));
  assert.equal((await f.projected(1)).version, "1");
  assert.equal((await f.projected(7)).version, null);
});

test("the Redis of another database is emptied and filled", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  const first = await f.startRelay();
  await ready(f);
  await first.close();
  await f.redis.client.hset(productKeyOf(f, 7), "product.v", "1", "product.d", "{}");
  await f.redis.client.hset(productKeyOf(f, 1), "product.v", "99");
  await f.sql.query("UPDATE relay_heartbeat SET database_id = UUID()");
  await f.startRelay();
  await ready(f);
  assert.ok(f.log.some(({ msg }) => msg === "redis holds the projections of another database"));
  assert.equal((await f.projected(1)).version, "1");
  assert.equal((await f.projected(7)).version, null);
});

test("a day of changes applied twice, and into an empty Redis, comes to the same", async () => {
  const [rows, rounds] = [100, 864];
  await using f = await fixture();
  const first = await f.startRelay();
  await ready(f);
  const checkpointKey = `${f.redis.prefix}relay:checkpoint`;
  const start = String(await f.redis.client.get(checkpointKey));
  await f.sql.query(`INSERT INTO things (name) SELECT CONCAT('n', seq) FROM seq_1_to_${rows}`);
  // One for each second of the day.
  for (let round = 1; round <= rounds; round++) {
    await f.sql.query("UPDATE things SET name = CONCAT('r', ?, '-', id), version = version + 1", [round]);
  }
  const last = String(rounds + 1);
  const applied = async () => (await f.projected(rows)).version === last;
  await until("the day", applied, 60_000);
  const once = await dump(f, rows);
  await first.close();
  assert.notEqual(await f.redis.client.get(checkpointKey), start);

  await f.redis.client.set(checkpointKey, start);
  const marker = f.log.length;
  const second = await f.startRelay();
  const reached = async () => (await f.redis.client.get(checkpointKey)) !== start;
  await until(
    "it follows",
    async () => f.log.slice(marker).some(({ msg }) => msg === "ready") && (await reached()),
  );
  await f.sql.query(`INSERT INTO things (id, name) VALUES (${rows + 1}, 'after the day')`);
  await until("the end of the log", async () => (await f.projected(rows + 1)).version === "1", 60_000);
  assert.deepEqual(await dump(f, rows), once);
  await second.close();

  for (let id = 1; id <= rows; id++) await f.redis.client.del(productKeyOf(f, id));
  await f.redis.client.set(checkpointKey, start);
  await f.startRelay();
  await until("the day again", applied, 60_000);
  await until("all rows", async () => (await dump(f, rows)).every((held) => held["product.v"] === last));
  assert.deepEqual(await dump(f, rows), once);
});

async function dump(f: RelayFixture, rows: number): Promise<Record<string, string>[]> {
  const ids = Array.from({ length: rows }, (_, n) => n + 1);
  return Promise.all(ids.map((id) => f.redis.client.hgetall(productKeyOf(f, id))));
}

test("rows from before a column was added are completed from the table; a column that is gone is said", async () => {
  const coloured = projectedTable({
    ...things,
    primaryKey: "id",
    columns: ["id", "name", "version", "colour"],
    projections: (row) =>
      things.projections(row).map((one) => ({ ...one, document: JSON.stringify({ colour: row.colour }) })),
  });
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
  const first = await f.startRelay();
  await ready(f);
  await first.close();
  await f.sql.query("UPDATE things SET version = 2 WHERE id = 1");
  await f.sql.query("ALTER TABLE things ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT 'white' FIRST");
  await f.startRelay([coloured]);
  await until("the row from before", async () => (await f.projected(1)).version === "2");
  assert.deepEqual((await f.projected(1)).document, { colour: "white" });

  await f.sql.query("ALTER TABLE things DROP COLUMN colour");
  await f.sql.query("UPDATE things SET version = 3 WHERE id = 2");
  await until("what is wrong", () => f.log.some(({ err }) => /Unknown column 'colour'/.test(String(err))));
  await f.sql.query("ALTER TABLE things ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT 'blue'");
  await until("the row from between", async () => (await f.projected(2)).version === "3");
  assert.deepEqual((await f.projected(2)).document, { colour: "blue" });
});

test("on a Redis Cluster all of it works under one hash tag", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-cluster-"));
  const [port = 0] = await freePorts(1);
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"];
  const server = spawn("redis-server", [...options, "--dir", folder], { stdio: "ignore" });
  const admin = new Redis(port, "127.0.0.1", { retryStrategy: () => 50, maxRetriesPerRequest: null });
  try {
    await admin.call("CLUSTER", ["ADDSLOTSRANGE", "0", "16383"]);
    await until("the cluster is up", async () => String(await admin.cluster("INFO")).includes("state:ok"));
    await using f = await fixture({ url: `redis://127.0.0.1:${port}`, prefix: "{t}:" });
    await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
    await f.startRelay();
    await ready(f);
    await f.sql.query("UPDATE things SET name = 'pot', version = 2");
    await until("the change", async () => (await f.projected(2)).version === "2");
    assert.equal(await requestRebuild(f.redis, { projections: null, fromScratch: true }), true);
    await ready(f);
    assert.equal((await f.projected(1)).version, "2");
  } finally {
    admin.disconnect();
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
