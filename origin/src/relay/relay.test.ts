import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { relayCurrentKey } from "@sluice/contract/keys.ts";
import type { RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { openFixture, openInbox, type RelayFixture, until } from "./relay-fixture.ts";
import { statusKey } from "./status.ts";

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

async function fixture(): Promise<RelayFixture & AsyncDisposable> {
  const database = await createTestDatabase(services);
  const prefix = await createTestRedisPrefix(services);
  const opened = await openFixture({
    mysqlUrl: database.url,
    redisUrl: prefix.url,
    redisPrefix: prefix.prefix,
    rabbitmqUrl,
  });
  return {
    ...opened,
    [Symbol.asyncDispose]: async () => {
      await opened.close();
      await prefix.close();
      await database.close();
    },
  };
}

const isReady = ({ log }: RelayFixture, times = 1) =>
  log.filter(({ msg }) => msg === "ready").length >= times;

test("what was there before and what changes after reach Redis with their versions", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
  await f.startRelay();
  await until("ready", () => isReady(f));
  assert.deepEqual(await f.projected(2), { version: "1", document: { id: 2, name: "cup" } });

  await f.sql.query("UPDATE things SET name = 'große Tasse', version = version + 1 WHERE id = 2");
  await f.sql.query("INSERT INTO things (name) VALUES ('pot')");
  await until("the new thing", async () => (await f.projected(3)).version === "1");
  assert.deepEqual(await f.projected(2), { version: "2", document: { id: 2, name: "große Tasse" } });
});

test("a relay that follows says where it is and that it is not behind", async () => {
  await using f = await fixture();
  await f.startRelay();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  const told = async () => JSON.parse((await f.redis.client.get(statusKey(f.redis.prefix))) ?? "{}");
  await until("a status", async () => typeof (await told()).behindMs === "number");
  const status = await told();
  assert.equal(status.state, "following");
  assert.equal(status.epoch, await f.redis.client.get(`${f.redis.prefix}ready`));
  assert.match(status.position, /^\d+-\d+-\d+/);
  assert.equal(typeof status.behindBytes, "number");
  await f.sql.query("INSERT INTO things (name) SELECT CONCAT('n', seq) FROM seq_1_to_500");
  let fastest = 0;
  await until("it has counted them", async () => {
    const { rows, rowsPerSecond } = await told();
    fastest = Math.max(fastest, rowsPerSecond);
    return rows > 500 && fastest > 100;
  });
  await killBinlogDumps(f);
  await until("the last error", async () => /./.test((await told()).lastError?.message ?? ""));
});

test("it says that it keeps up while it does, and no longer", async () => {
  await using f = await fixture();
  const relay = await f.startRelay();
  const saysSo = async () => (await f.redis.client.exists(relayCurrentKey(f.redis.prefix))) === 1;
  await until("it keeps up", saysSo);
  await f.sql.query("LOCK TABLES relay_heartbeat WRITE");
  await until("its heartbeat is late", async () => !(await saysSo()));
  await f.sql.query("UNLOCK TABLES");
  await until("it keeps up again", saysSo);
  await relay.close();
  await until("nobody does", async () => !(await saysSo()));
});

test("a reader that is cut off again and again misses nothing and never goes back", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('a'), ('b'), ('c'), ('d'), ('e')");
  await f.startRelay();
  await until("ready", () => isReady(f));
  for (let round = 1; round <= 300; round++) {
    const id = (round % 5) + 1;
    await f.sql.query("UPDATE things SET name = ?, version = version + 1 WHERE id = ?", [`n${round}`, id]);
    if (round % 75 === 0) await killBinlogDumps(f);
  }
  const [rows] = await f.sql.query<RowDataPacket[]>("SELECT id, name, version FROM things");
  for (const { id, name, version } of rows) {
    await until(`thing ${id}`, async () => (await f.projected(id)).version === String(version));
    assert.deepEqual((await f.projected(id)).document, { id: Number(id), name });
  }
  assert.ok(isReady(f, 2), "the reader was never cut off");
  const seen = new Map<string, number>();
  for (const { kind, id, version } of await changes(f)) {
    if (kind !== "product") continue;
    assert.ok(version > (seen.get(id) ?? 0), `thing ${id} went from ${seen.get(id)} back to ${version}`);
    seen.set(id, version);
  }
});

test("a relay that starts again goes on where the last one stopped", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  const first = await f.startRelay();
  await until("ready", () => isReady(f));
  await first.close();
  await f.sql.query("UPDATE things SET name = 'green tea', version = version + 1");
  await f.startRelay();
  await until("the change", async () => (await f.projected(1)).version === "2");
  assert.equal(f.log.filter(({ msg }) => msg === "projections complete").length, 1);
});

test("a wiped Redis is noticed while nothing is written, and rebuilt", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await f.startRelay();
  await until("ready", () => isReady(f));
  const epoch = await f.redis.client.get(`${f.redis.prefix}ready`);
  await wipe(f);
  await until(
    "a new epoch",
    async () => (await f.redis.client.get(`${f.redis.prefix}ready`)) !== null,
    2_000,
  );
  assert.notEqual(await f.redis.client.get(`${f.redis.prefix}ready`), epoch);
  assert.equal((await f.projected(1)).version, "1");
  assert.ok((await changes(f)).some(({ kind }) => kind === "epoch"));
});

test("a Redis that fell back to an older state gets again what it lost", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await f.startRelay();
  await until("ready", () => isReady(f));
  const checkpoint = `${f.redis.prefix}relay:checkpoint`;
  const older = await f.redis.client.get(checkpoint);
  await f.sql.query("UPDATE things SET name = 'green tea', version = 2");
  await until("the change", async () => (await f.projected(1)).version === "2");
  await until("its checkpoint", async () => (await f.redis.client.get(checkpoint)) !== older);
  await f.redis.client
    .multi()
    .set(checkpoint, String(older))
    .hset(`${f.redis.prefix}product:1`, "product.v", "1", "product.d", '{"id":1,"name":"tea"}')
    .exec();
  await until("the change again", async () => (await f.projected(1)).version === "2");
  assert.equal(f.log.filter(({ msg }) => msg === "projections complete").length, 1);
});

test("a relay can be closed at any moment of its life", async () => {
  await using f = await fixture();
  await (await f.startRelay()).close();
  for (const moment of ["this relay leads", "fill started", "projections complete", "ready"]) {
    await f.redis.client.unlink(`${f.redis.prefix}ready`);
    const linesBefore = f.log.length;
    const relay = await f.startRelay();
    await until(moment, () => f.log.slice(linesBefore).some(({ msg }) => msg === moment));
    await relay.close();
  }
});

test("of two relays one leads, and the other takes over", async () => {
  await using f = await fixture();
  const first = await f.startRelay();
  await until("ready", () => isReady(f));
  await f.startRelay();
  await until("one stands by", () => f.log.some(({ msg }) => msg.includes("standing by")));
  assert.equal(f.log.filter(({ msg }) => msg === "this relay leads").length, 1);
  await first.close();
  await until("the other leads", () => isReady(f, 2), 5_000);
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await until("the change", async () => (await f.projected(1)).version === "1");
});

test("outbox rows are published and marked, from before the start and after", async () => {
  await using f = await fixture();
  const inbox = await openInbox(rabbitmqUrl, f.redis.prefix.replace(":", ""));
  const exchange = f.redis.prefix.replace(":", "");
  const first = await insertMessages(f, exchange, 50);
  await f.startRelay();
  const second = await insertMessages(f, exchange, 700);
  await until("all are marked", async () => (await unpublished(f)) === 0);
  await until("all arrived", () => new Set(inbox.messageIds).size === 750);
  assert.deepEqual(new Set(inbox.messageIds), new Set([...first, ...second]));
  await inbox.close();
});

test("messages that nobody takes wait in the outbox and hold up nothing", async () => {
  await using f = await fixture();
  const exchange = `${f.redis.prefix.replace(":", "")}late`;
  await insertMessages(f, exchange, 3);
  await f.startRelay();
  await until("the refusal", () => f.log.some(({ msg }) => msg.startsWith("message not published")));
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await until("the projection", async () => (await f.projected(1)).version === "1");
  assert.equal(await unpublished(f), 3);
  const inbox = await openInbox(rabbitmqUrl, exchange);
  await until("all are marked", async () => (await unpublished(f)) === 0);
  await until("all arrived", () => inbox.messageIds.length >= 3);
  await inbox.close();
});

async function killBinlogDumps({ sql }: RelayFixture): Promise<void> {
  const [threads] = await sql.query<RowDataPacket[]>(
    "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' AND db = DATABASE()",
  );
  for (const { id } of threads) await sql.query(`KILL ${id}`).catch(() => undefined);
}

async function changes({ redis }: RelayFixture) {
  const entries = await redis.client.xrange(`${redis.prefix}changes`, "-", "+");
  return entries.map(([, fields]) => ({
    kind: fields[1] as string,
    id: fields[3] as string,
    version: Number(fields[5]),
  }));
}

async function wipe({ redis }: RelayFixture): Promise<void> {
  const keys = await redis.client.keys(`${redis.prefix}*`);
  await redis.client.unlink(keys);
}

async function insertMessages({ sql }: RelayFixture, exchange: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID());
  await sql.query("INSERT INTO outbox (exchange, routing_key, message_id, payload) VALUES ?", [
    ids.map((id) => [exchange, "thing.changed", id, "{}"]),
  ]);
  return ids;
}

async function unpublished({ sql }: RelayFixture): Promise<number> {
  const [rows] = await sql.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS n FROM outbox WHERE published_at IS NULL",
  );
  return Number(rows[0]?.n);
}
