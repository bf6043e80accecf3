import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "amqplib";
import { Redis } from "ioredis";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { freePorts, isFree } from "../process/ports.ts";
import { recordedNames } from "../process/record.ts";
import { testHome } from "../process/test-home.ts";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
  type TestServices,
} from "./for-tests.ts";
import { startMariadb } from "./mariadb.ts";
import { startRedis } from "./redis.ts";

const home = testHome();
let services: TestServices;
before(async () => {
  services = await startTestServices();
});
after(() => services.close());

async function port(): Promise<number> {
  return (await freePorts(1))[0] as number;
}

async function rows(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection(url);
  try {
    return (await connection.query<RowDataPacket[]>(sql))[0];
  } finally {
    await connection.end();
  }
}

test("MariaDB has the binlog settings that the relay insists on", async () => {
  const [settings] = await rows(
    services.mysqlUrl,
    "SELECT @@log_bin, @@binlog_format, @@binlog_row_image, @@binlog_row_metadata, @@gtid_strict_mode",
  );
  assert.deepEqual(Object.values(settings ?? {}), [1, "ROW", "FULL", "FULL", 1]);
});

test("the account of a running system rules its own database and no other", async () => {
  const options = { home, port: await port(), durable: true, mayCreateDatabases: false };
  const mysql = await startMariadb(options);
  try {
    await rows(mysql.url, "CREATE TABLE kept (id INT)");
    await rows(mysql.url, "SHOW MASTER STATUS");
    await assert.rejects(rows(mysql.url, "CREATE DATABASE another"), /Access denied/);
    await assert.rejects(rows(mysql.url.replace("sluice:", "root:"), "SELECT 1"), /Access denied/);
  } finally {
    await mysql.close();
  }
  const again = await startMariadb(options);
  try {
    assert.deepEqual(await rows(again.url, "SELECT id FROM kept"), []);
  } finally {
    await again.close();
  }
});

test("Redis keeps its data over a stop, refuses strangers, and leaves nothing running", async () => {
  const options = { home, port: await port(), durable: true };
  const redis = await startRedis(options);
  const client = new Redis(redis.url);
  await client.set("kept", "yes");
  client.disconnect();
  await redis.close();
  assert.equal(await isFree(options.port), true);
  assert.deepEqual(recordedNames(home), []);

  const again = await startRedis(options);
  const [owner, stranger] = [new Redis(again.url), new Redis(options.port)];
  // What it is refused comes as an error event, too.
  stranger.on("error", () => {});
  try {
    assert.equal(await owner.get("kept"), "yes");
    await assert.rejects(stranger.get("kept"), /NOAUTH/);
  } finally {
    owner.disconnect();
    stranger.disconnect();
    await again.close();
  }
});

test("a service whose port is taken says so and names its log", async () => {
  const options = { home, port: await port(), durable: false };
  const first = await startRedis(options);
  try {
    const elsewhere = testHome();
    await assert.rejects(
      startRedis({ ...options, home: elsewhere }),
      /redis did not start[\s\S]*redis\.log[\s\S]*in use/,
    );
    assert.deepEqual(recordedNames(elsewhere), []);
  } finally {
    await first.close();
  }
});

test("every test file gets a database, a key prefix and a vhost, and none is left after it", async () => {
  const database = await createTestDatabase(services);
  await rows(database.url, "CREATE TABLE t (id INT)");
  await database.close();
  assert.deepEqual(await rows(services.mysqlUrl, `SHOW DATABASES LIKE '${database.name}'`), []);

  const keys = await createTestRedisPrefix(services);
  const redis = new Redis(services.redisUrl);
  await redis.set(`${keys.prefix}a`, "1");
  await keys.close();
  assert.equal(await redis.exists(`${keys.prefix}a`), 0);
  redis.disconnect();

  const vhost = await createTestVhost(services);
  await (await connect(vhost.url)).close();
  await vhost.close();
  await assert.rejects(connect(vhost.url), /ConnectionClose/);
});
