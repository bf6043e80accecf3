import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { accessEntriesKey, readyKey, sessionKey } from "@sluice/contract/keys.ts";
import { pino } from "pino";
import {
  createTestDatabase,
  createTestRedisPrefix,
  startTestServices,
} from "../../../../cli/src/services/for-tests.ts";
import { openDatabase } from "../mysql/database.ts";
import { auditProjections } from "./audit-projections.ts";
import { connectRedis } from "./connect.ts";
import { accessEntryProjection, projectAll, sessionProjection } from "./project.ts";
import { projectedTable, type TableRow } from "./projected-table.ts";

const services = await startTestServices();
const place = await createTestDatabase(services);
const keys = await createTestRedisPrefix(services);
const database = openDatabase(place.url);
const redis = connectRedis(keys.url, keys.prefix, pino({ level: "silent" }));
let nowMs = 1_000_000;
/** Time passes whenever somebody looks, so that waiting comes to its end. */
const clock = () => {
  nowMs += 500;
  return nowMs;
};
const inAnHour = Date.now() + 3_600_000;

const sessions = projectedTable({
  table: "sessions",
  primaryKey: "id",
  columns: ["id", "version", "revoked", "expires"],
  revision: 1,
  keys: sessionKey("", "*"),
  projections: (row) => [
    sessionProjection({
      id: String(row.id),
      version: Number(row.version),
      document: row.revoked === 0 ? "{}" : undefined,
      expiresAtMs: Number(row.expires),
    }),
  ],
});
const entries = projectedTable({
  table: "entries",
  primaryKey: "id",
  columns: ["id", "version"],
  revision: 1,
  keys: accessEntriesKey(""),
  projections: (row) => [entryOf(row)],
});

function entryOf(row: { readonly id?: TableRow[string]; readonly version?: TableRow[string] }) {
  const fixed = { list: "deny", cidr: "192.0.2.1", expiresAtMs: 0, removed: false } as const;
  return accessEntryProjection({ ...fixed, id: Number(row.id), version: Number(row.version) });
}

beforeEach(async () => {
  await keys.close();
  await database.execute("DROP TABLE IF EXISTS sessions, entries");
  await database.execute(
    "CREATE TABLE sessions (id CHAR(3) PRIMARY KEY, version BIGINT, revoked TINYINT, expires BIGINT)",
  );
  await database.execute("CREATE TABLE entries (id BIGINT PRIMARY KEY, version BIGINT)");
  await database.execute("INSERT INTO sessions VALUES ('a', 1, 0, ?), ('b', 2, 1, ?), ('c', 1, 0, 1)", [
    inAnHour,
    inAnHour,
  ]);
  const numbers = Array.from({ length: 1_500 }, (_, n) => [n + 1, 1 + (n % 3)]);
  await database.execute("INSERT INTO entries VALUES ?", [numbers]);
  for (const table of [sessions, entries]) {
    const rows = await database.query<TableRow>(`SELECT * FROM ${table.table}`);
    await projectAll(redis, rows.flatMap(table.projections));
  }
  await redis.client.set(readyKey(keys.prefix), "epoch");
});

after(async () => {
  await redis.close();
  await database.close();
  await keys.close();
  await place.close();
  await services.close();
});

const audit = async () => {
  const results = await auditProjections({ database, redis, clock }, [sessions, entries]);
  return results.map(({ broken }) => broken);
};

test("what agrees is clean, also over several pages; what has ended by itself is not missed", async () => {
  assert.deepEqual(await audit(), [[], []]);
});

test("a version that is behind, ahead or missing is found", async () => {
  await database.execute("UPDATE entries SET version = 9 WHERE id = 7");
  await redis.client.hdel(accessEntriesKey(keys.prefix), "1400");
  await redis.client.hset(sessionKey(keys.prefix, "a"), "v", "5");
  assert.deepEqual(await audit(), [
    [{ key: "session:a", field: "", row: "1", redis: "5" }],
    [
      { key: "access:entries", field: "7", row: "9", redis: "1" },
      { key: "access:entries", field: "1400", row: "2", redis: null },
    ],
  ]);
});

test("a document that is not the row's is found, and one where there should be none", async () => {
  const redisHas = "2, with another document";
  await redis.client.hset(sessionKey(keys.prefix, "b"), "d", "{}");
  assert.deepEqual(await audit(), [[{ key: "session:b", field: "", row: "2", redis: redisHas }], []]);
  await redis.client.hdel(sessionKey(keys.prefix, "b"), "d");
  await redis.client.hset(sessionKey(keys.prefix, "a"), "d", '{"of":"another"}');
  const entry = { ...entryOf({ id: 2, version: 2 }) };
  const document = String(entry.document).replace("192.0.2.1", "192.0.2.2");
  await redis.client.hset(accessEntriesKey(keys.prefix), "2", document);
  assert.deepEqual(await audit(), [
    [{ key: "session:a", field: "", row: "1", redis: "1, with another document" }],
    [{ key: "access:entries", field: "2", row: "2", redis: redisHas }],
  ]);
});

test("what arrives while the audit looks is no fault", async () => {
  await database.execute("UPDATE entries SET version = 9 WHERE id = 7");
  const arriving = {
    ...entries,
    projections: (row: TableRow) => {
      if (row.id === 7) void projectAll(redis, [entryOf(row)]);
      return entries.projections(row);
    },
  };
  const results = await auditProjections({ database, redis, clock: () => 0 }, [arriving]);
  assert.deepEqual(
    results.map(({ broken }) => broken),
    [[]],
  );
});

test("before the first snapshot is complete Redis promises nothing", async () => {
  await redis.client.del(readyKey(keys.prefix));
  assert.deepEqual(await audit(), []);
});
