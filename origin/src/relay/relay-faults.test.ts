import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { RowDataPacket } from "mysql2/promise";
import { openHome } from "../../../cli/src/process/home.ts";
import {
  createTestDatabase,
  createTestRedisPrefix,
  startOwnTestServices,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { startMariadb } from "../../../cli/src/services/mariadb.ts";
import { rabbitmqctl } from "../../../cli/src/services/rabbitmq.ts";
import { startRedis } from "../../../cli/src/services/redis.ts";
import { openProxy } from "../../test/tcp-proxy.ts";
import { connectExact } from "./connection.ts";
import { checkLogSettings, LogSettingsFaults } from "./log-settings.ts";
import { openFixture, openInbox, type RelayFixture, until } from "./relay-fixture.ts";

/** Faults of whole servers, on servers that nobody else uses. */
let services: TestServices;
const restarted: (() => Promise<void>)[] = [];

before(async () => {
  services = await startOwnTestServices();
});

after(async () => {
  for (const close of restarted) await close();
  await services.close();
});

/** `port`: the database is reached by it. */
async function fixture(port?: number): Promise<RelayFixture & AsyncDisposable> {
  const database = await createTestDatabase(services);
  const prefix = await createTestRedisPrefix(services);
  const url = new URL(database.url);
  if (port !== undefined) url.port = String(port);
  const opened = await openFixture({
    mysqlUrl: url.href,
    redisUrl: prefix.url,
    redisPrefix: prefix.prefix,
    rabbitmqUrl: services.rabbitmqUrl,
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

test("every wrong binlog setting is named with the statement that mends it", async () => {
  await using f = await fixture();
  await f.sql.query("SET GLOBAL binlog_format = 'MIXED', GLOBAL binlog_row_image = 'MINIMAL'");
  await f.sql.query("SET GLOBAL binlog_row_metadata = 'NO_LOG'");
  const error = await checkLogSettings(f.mysqlUrl).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof LogSettingsFaults);
  assert.equal(error.faults.length, 3);
  for (const fault of error.faults) await f.sql.query(fault.slice(fault.indexOf("SET GLOBAL")));
  await checkLogSettings(f.mysqlUrl);
});

test("a purged position is said and healed by a new snapshot", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  const first = await f.startRelay();
  await until("ready", () => f.log.some(({ msg }) => msg === "ready"));
  await first.close();
  await f.sql.query("UPDATE things SET name = 'green tea', version = version + 1");
  await purgeLog(f);
  await f.sql.query("INSERT INTO things (name) VALUES ('cup')");
  await f.startRelay();
  await until("the change in the purged log", async () => (await f.projected(1)).version === "2");
  await until("the change after it", async () => (await f.projected(2)).version === "1");
  assert.ok(f.log.some(({ msg }) => msg.includes("no longer reaches back")));
});

test("while the broker restarts projections go on, and every message arrives", async () => {
  await using f = await fixture();
  const node = { ...services.rabbitmqNode, home: openHome(services.rabbitmqNode.home) };
  const before = await openInbox(services.rabbitmqUrl, "restarted");
  await f.startRelay();
  await publish(f, 100);
  await until("all are marked", async () => (await unpublished(f)) === 0);
  await before.close();

  await rabbitmqctl(node, ["stop_app"]);
  await publish(f, 100);
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await until("the projection", async () => (await f.projected(1)).version === "1");
  assert.equal(await unpublished(f), 100);
  await rabbitmqctl(node, ["start_app"]);

  const inbox = await openInbox(services.rabbitmqUrl, "restarted");
  await until("all are marked", async () => (await unpublished(f)) === 0, 20_000);
  const [rows] = await f.sql.query<RowDataPacket[]>("SELECT message_id FROM outbox ORDER BY id");
  const arrived = () => new Set([...before.messageIds, ...inbox.messageIds]);
  await until("all arrived", () => arrived().size === 200);
  assert.deepEqual(arrived(), new Set(rows.map((row) => row.message_id)));
  await inbox.close();
});

test("Redis is killed and comes back empty: what was written meanwhile and before is there again", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await f.startRelay();
  await until("ready", () => f.log.some(({ msg }) => msg === "ready"));
  await f.redis.client.shutdown("NOSAVE").catch(() => undefined);
  await f.sql.query("UPDATE things SET name = 'green tea', version = version + 1");
  await f.sql.query("INSERT INTO things (name) VALUES ('cup')");
  await until("the outage is noticed", () => f.log.some(({ msg }) => msg.includes("interrupted")));

  const port = Number(new URL(services.redisUrl).port);
  const home = openHome(services.rabbitmqNode.home);
  const redis = await startRedis({ home, port, durable: false });
  restarted.push(redis.close);
  await until("both things", async () => (await projectedQuietly(f, 1)) === "2");
  assert.equal((await f.projected(2)).version, "1");
});

test("the database restarts: the relay leads again and goes on from its checkpoint", async () => {
  await using f = await fixture();
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await f.startRelay();
  await until("ready", () => f.log.some(({ msg }) => msg === "ready"));
  const stopped = connectExact(f.mysqlUrl);
  await (await stopped).query("SHUTDOWN").catch(() => undefined);
  await until("the outage is noticed", () => f.log.some(({ msg }) => msg.includes("no longer leads")));

  const port = Number(new URL(services.mysqlUrl).port);
  const home = openHome(services.rabbitmqNode.home);
  const mysql = await startMariadb({ home, port, durable: false, mayCreateDatabases: true });
  restarted.push(mysql.close);
  const sql = await connectExact(f.mysqlUrl);
  await sql.query("UPDATE things SET name = 'green tea', version = version + 1");
  await until("the change", async () => (await f.projected(1)).version === "2");
  assert.equal(f.log.filter(({ msg }) => msg === "projections complete").length, 1);
  await sql.end();
});

/** Null while Redis is away. */
async function projectedQuietly(f: RelayFixture, id: number): Promise<string | null> {
  return f.projected(id).then(
    ({ version }) => version,
    () => null,
  );
}

test("connections that fall silent without an end are given up, and what was written meanwhile arrives", async () => {
  await using proxy = await openProxy(services.mysqlUrl);
  await using f = await fixture(proxy.port);
  await f.sql.query("INSERT INTO things (name) VALUES ('tea')");
  await f.startRelay();
  await until("ready", () => f.log.some(({ msg }) => msg === "ready"));
  proxy.fallSilent();
  const direct = await connectExact(
    f.mysqlUrl.replace(`:${proxy.port}/`, `:${new URL(services.mysqlUrl).port}/`),
  );
  await direct.query("UPDATE things SET name = 'green tea', version = version + 1");
  await until("the change", async () => (await f.projected(1)).version === "2", 30_000);
  assert.equal(f.log.filter(({ msg }) => msg === "projections complete").length, 1);
  await direct.end();
});

async function publish({ sql }: RelayFixture, count: number): Promise<void> {
  const rows = Array.from({ length: count }, () => ["restarted", "it.happened", crypto.randomUUID(), "{}"]);
  await sql.query("INSERT INTO outbox (exchange, routing_key, message_id, payload) VALUES ?", [rows]);
}

async function unpublished({ sql }: RelayFixture): Promise<number> {
  const [rows] = await sql.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS n FROM outbox WHERE published_at IS NULL",
  );
  return Number(rows[0]?.n);
}

/** Leaves nothing but the newest file. A dump thread that has not noticed its reader's end holds files back. */
async function purgeLog({ sql }: RelayFixture): Promise<void> {
  await sql.query("FLUSH BINARY LOGS");
  await until("the log is purged", async () => {
    const [files] = await sql.query<RowDataPacket[]>("SHOW BINARY LOGS");
    await sql.query("PURGE BINARY LOGS TO ?", [files.at(-1)?.Log_name]);
    const [left] = await sql.query<RowDataPacket[]>("SHOW BINARY LOGS");
    return left.length === 1;
  });
}
