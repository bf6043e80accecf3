import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import type { Connection, RowDataPacket } from "mysql2/promise";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
  type TestDatabase,
  type TestRedisPrefix,
  type TestServices,
  type TestVhost,
} from "../../../cli/src/services/for-tests.ts";
import { RELAY_NODE_FLAGS } from "../../../cli/src/services/node-role.ts";
import { migrate } from "../platform/mysql/migrate.ts";
import { connectExact } from "./connection.ts";
import { until } from "./relay-fixture.ts";

/** A process of its own reads all sources of the origin first: seconds, and many on a machine that is busy. */
const startTimeoutMs = 120_000;

/** The role as it runs in production, with the tables of the contexts. */
let services: TestServices;
let database: TestDatabase;
let prefix: TestRedisPrefix;
let vhost: TestVhost;
let sql: Connection;
let redis: Redis;
let relayUrl: string;
const logs = new WeakMap<ChildProcess, string[]>();

before(async () => {
  services = await startTestServices();
  [database, prefix, vhost] = await Promise.all([
    createTestDatabase(services),
    createTestRedisPrefix(services),
    createTestVhost(services),
  ]);
  await migrate(database.url, fileURLToPath(new URL("../../migrations", import.meta.url)));
  sql = await connectExact(database.url);
  relayUrl = await createAccount();
  redis = new Redis(prefix.url);
});

after(async () => {
  redis?.disconnect();
  await sql?.query(`DROP USER IF EXISTS '${new URL(relayUrl).username}'@'%'`);
  await sql?.end();
  await Promise.all([vhost?.close(), prefix?.close(), database?.close()]);
  await services?.close();
});

test("killed again and again while products change, it brings every change to Redis", async () => {
  await sql.query(
    `INSERT INTO products (name, description, price_cents, currency, status, created_at, updated_at)
     VALUES ('tea', '', 100, 'EUR', 'active', NOW(6), NOW(6))`,
  );
  let relay = startRole();
  const writer = startWriter();
  try {
    for (let round = 1; round <= 3; round++) {
      await until(
        "complete projections",
        async () => (await redis.get(`${prefix.prefix}ready`)) !== null,
        startTimeoutMs,
      );
      const before = Number(await projectedVersion());
      await until(
        "this relay works",
        async () => Number(await projectedVersion()) > before + 50,
        startTimeoutMs,
      );
      relay.kill("SIGKILL");
      await once(relay, "exit");
      relay = startRole();
    }
    const last = await writer.stop();
    await until("the last change", async () => (await projectedVersion()) === last, startTimeoutMs);
  } finally {
    await writer.stop();
    relay.kill("SIGTERM");
  }
  const [code] = await once(relay, "exit");
  assert.equal(code, 0);
});

test("a transaction of 1,000,000 rows passes through less than 300 MB", { timeout: 900_000 }, async (t) => {
  const [products, rounds] = [50_000, 20];
  await sql.query(
    `INSERT INTO products (name, description, price_cents, currency, status, created_at, updated_at)
     SELECT 'tea', REPEAT('x', 50), 100, 'EUR', 'active', NOW(6), NOW(6) FROM seq_1_to_${products}`,
  );
  const relay = startRole();
  try {
    await said(relay, "ready");
    await sql.query("START TRANSACTION");
    for (let round = 1; round <= rounds; round++) {
      await sql.query("UPDATE products SET price_cents = price_cents + 1, version = version + 1");
    }
    const [rows] = await sql.query<RowDataPacket[]>(
      "SELECT id, version FROM products ORDER BY id DESC LIMIT 1",
    );
    await sql.query("COMMIT");
    const lastKey = `${prefix.prefix}product:${rows[0]?.id}`;
    const isThere = async () => (await redis.hget(lastKey, "product.v")) === String(rows[0]?.version);
    await until("the last row", isThere, 600_000);
    const [, peakKb = "0"] =
      /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${relay.pid}/status`, "utf8")) ?? [];
    t.diagnostic(`at most ${Math.round(Number(peakKb) / 1_024)} MB were resident`);
    assert.ok(Number(peakKb) > 0 && Number(peakKb) < 300 * 1_024, `${peakKb} kB were resident`);
  } finally {
    relay.kill("SIGTERM");
    await once(relay, "exit");
    await sql.query("DELETE FROM products WHERE id > 1");
  }
});

test("a leader that is paused is replaced within 5 s, and does no harm when it wakes", async (t) => {
  const paused = startRole();
  const writer = startWriter();
  let other: ChildProcess | undefined;
  try {
    await said(paused, "ready");
    other = startRole();
    await said(other, "another relay leads, standing by");
    const pausedAtMs = performance.now();
    paused.kill("SIGSTOP");
    await said(other, "this relay leads");
    const tookMs = performance.now() - pausedAtMs;
    t.diagnostic(`took over after ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < 5_000, `took over after ${Math.round(tookMs)} ms`);
    await said(other, "ready");
    paused.kill("SIGCONT");
    await said(paused, "this relay no longer leads");
    const last = await writer.stop();
    await until("the last change", async () => (await projectedVersion()) === last, startTimeoutMs);
  } finally {
    await writer.stop();
    for (const relay of [paused, other]) {
      relay?.kill("SIGCONT");
      relay?.kill("SIGTERM");
    }
  }
  await Promise.all([once(paused, "exit"), once(other, "exit")]);
  const versions = await announcedVersions();
  const sorted = versions.toSorted((a, b) => a - b);
  assert.deepEqual(versions, sorted, "a version was announced after a newer one");
});

/** With the rights that docs/operations.md asks for, and no more. */
async function createAccount(): Promise<string> {
  const url = new URL(database.url);
  url.username = `relay_${database.name.slice(-8)}`;
  url.password = crypto.randomUUID();
  await sql.query(`CREATE USER '${url.username}'@'%' IDENTIFIED BY '${url.password}'`);
  await sql.query(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${url.username}'@'%'`);
  await sql.query(`GRANT SELECT ON ${database.name}.* TO '${url.username}'@'%'`);
  for (const table of ["outbox", "relay_heartbeat"]) {
    await sql.query(`GRANT UPDATE ON ${database.name}.${table} TO '${url.username}'@'%'`);
  }
  return url.href;
}

function startRole(): ChildProcess {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const env = {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    MYSQL_URL: relayUrl,
    REDIS_URL: prefix.url,
    REDIS_PREFIX: prefix.prefix,
    RABBITMQ_URL: vhost.url,
  };
  const role = spawn(process.execPath, [...RELAY_NODE_FLAGS, main, "relay"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface(role.stdout).on("line", (line) => lines.push(line));
  logs.set(role, lines);
  return role;
}

/** Waits for a line in the process's log. */
async function said(role: ChildProcess, msg: string): Promise<void> {
  const isIn = (line: string) => JSON.parse(line).msg === msg;
  await until(`the relay says: ${msg}`, () => logs.get(role)?.some(isIn) === true, startTimeoutMs);
}

/** The product's versions in the order in which the edges see them. */
async function announcedVersions(): Promise<number[]> {
  const entries = await redis.xrange(`${prefix.prefix}changes`, "-", "+");
  return entries
    .filter(([, fields]) => fields[1] === "product")
    .flatMap(([, fields]) =>
      fields
        .flatMap((field, at) => (field === "id" && fields[at + 1] === "1" ? [at + 3] : []))
        .map((at) => Number(fields[at])),
    );
}

/** Changes the product as fast as the database commits; `stop` gives the version that it reached. */
function startWriter() {
  let stopping = false;
  const write = async () => {
    while (!stopping) {
      await sql.query("UPDATE products SET price_cents = price_cents + 1, version = version + 1");
    }
    const [rows] = await sql.query<RowDataPacket[]>("SELECT version FROM products");
    return String(rows[0]?.version);
  };
  const writing = write();
  return {
    stop: () => {
      stopping = true;
      return writing;
    },
  };
}

async function projectedVersion(): Promise<string | null> {
  return redis.hget(`${prefix.prefix}product:1`, "product.v");
}
