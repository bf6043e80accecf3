import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Connection } from "mysql2/promise";
import {
  createTestDatabase,
  startTestServices,
  type TestDatabase,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { openProxy } from "../../test/tcp-proxy.ts";
import { openBinlog, readerLimits } from "./binlog-reader.ts";
import { connectExact } from "./connection.ts";
import { bufferLimits } from "./row-buffer.ts";
import { currentPosition } from "./source.ts";

let services: TestServices;
let database: TestDatabase;
let sql: Connection;
let serverId = 2 ** 31 + Math.floor(Math.random() * 2 ** 30);

before(async () => {
  services = await startTestServices();
  database = await createTestDatabase(services);
  sql = await connectExact(database.url);
  await sql.query("CREATE TABLE things (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))");
  await sql.query("CREATE TABLE others (id INT PRIMARY KEY AUTO_INCREMENT)");
});

after(async () => {
  await sql?.end();
  await database?.close();
  await services?.close();
});

async function follow({ url = database.url, position }: { url?: string; position?: string } = {}) {
  const from = position ?? (await currentPosition(sql));
  const reader = openBinlog({ url, serverId: serverId++, position: from, tables: new Map([["things", []]]) });
  return Object.assign(reader, { [Symbol.asyncDispose]: () => reader.close() });
}

test("a transaction larger than the buffer comes in batches of bounded size, whole", async () => {
  await using reader = await follow();
  await sql.query("INSERT INTO things (name) SELECT CONCAT('n', seq) FROM seq_1_to_30000");
  const sizes: number[] = [];
  const names = new Set<unknown>();
  while (names.size < 30_000) {
    const { changes } = await reader.take(1_000);
    sizes.push(changes.length);
    for (const { row } of changes) names.add(row.name);
  }
  // One event, of 8 KiB by default, may overfill the buffer.
  assert.ok(Math.max(...sizes) < bufferLimits.rowsMax + 1_000, `a batch of ${Math.max(...sizes)}`);
});

test("a position in the middle of a transaction replays all of it", async () => {
  await using reader = await follow();
  await sql.query("INSERT INTO things (name) SELECT CONCAT('m', seq) FROM seq_1_to_10000");
  const first = await reader.take(5_000);
  assert.ok(first.changes.length < 10_000, "the transaction came in one batch");
  await using again = await follow({ position: first.position });
  let rows = 0;
  while (rows < 10_000) rows += (await again.take(1_000)).changes.length;
  assert.equal(rows, 10_000);
});

test("transactions on tables that nobody projects move the position", async () => {
  await using reader = await follow();
  const { position } = await reader.take(0);
  await sql.query("INSERT INTO others VALUES ()");
  let batch = await reader.take(50);
  while (batch.position === position) batch = await reader.take(50);
  assert.deepEqual(batch.changes, []);
});

test("an idle stream is kept alive by heartbeats, and one that falls silent ends the reader", async () => {
  await using proxy = await openProxy(services.mysqlUrl);
  const url = new URL(database.url);
  url.port = String(proxy.port);
  await using reader = await follow({ url: url.href });
  const idleUntil = performance.now() + readerLimits.silenceMaxMs * 1.5;
  while (performance.now() < idleUntil) await reader.take(500);
  proxy.fallSilent();
  await assert.rejects(async () => {
    for (;;) await reader.take(500);
  }, /silent/);
});
