/**
 * Real services for tests: one private MariaDB, Redis and RabbitMQ for a whole test run, on free ports, in
 * a temporary folder. The test runner starts them once and hands them on in SLUICE_TEST_SERVICES; a test
 * file that is run alone starts its own. Each file then takes a database, a key prefix and a vhost for
 * itself, so files never meet:
 *
 *     const services = await startTestServices();
 *     const database = await createTestDatabase(services);
 *     after(async () => {
 *       await database.close();
 *       await services.close();
 *     });
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createConnection } from "mysql2/promise";
import { type Home, openHome } from "../process/home.ts";
import { killGroup } from "../process/owned-process.ts";
import { freePorts } from "../process/ports.ts";
import { livingRecord, recordedNames } from "../process/record.ts";
import { startMariadb } from "./mariadb.ts";
import { startRabbitmq } from "./rabbitmq.ts";
import { startRedis } from "./redis.ts";

export const TEST_SERVICES_VARIABLE = "SLUICE_TEST_SERVICES";

/** Plain data, so that it can travel in an environment variable. */
export interface TestServiceAddresses {
  /** The account may create databases, read the binlog and grant. */
  mysqlUrl: string;
  redisUrl: string;
  rabbitmqUrl: string;
  /** What rabbitmqctl needs to reach the broker. */
  rabbitmqNode: { home: string; port: number; distPort: number; epmdPort: number };
  /** The broker's management, with its account. */
  rabbitmqManagementUrl: string;
}

export interface TestServices extends TestServiceAddresses {
  close(): Promise<void>;
}

/** Uses what the test runner has started already; `close()` then does nothing. */
export async function startTestServices(): Promise<TestServices> {
  const given = process.env[TEST_SERVICES_VARIABLE];
  if (given) return { ...(JSON.parse(given) as TestServiceAddresses), close: async () => {} };
  return startOwnTestServices();
}

export async function startOwnTestServices(): Promise<TestServices> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  const home = openHome(folder);
  const [mysqlPort, redisPort, port, distPort, epmdPort, managementPort] = (await freePorts(6)) as SixPorts;
  const rabbitmqNode = { home: folder, port, distPort, epmdPort };
  const starting = [
    startMariadb({ home, port: mysqlPort, durable: false, mayCreateDatabases: true }),
    startRedis({ home, port: redisPort, durable: false }),
    startRabbitmq({ home, port, distPort, epmdPort, managementPort }),
  ] as const;
  const endAtExit = () => endAbruptly(home, epmdPort);
  process.once("exit", endAtExit);
  const close = async () => {
    const started = await Promise.allSettled(starting);
    await Promise.all(started.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)));
    process.off("exit", endAtExit);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [mysql, redis, rabbitmq] = await Promise.all(starting);
    return {
      mysqlUrl: mysql.url,
      redisUrl: redis.url,
      rabbitmqUrl: rabbitmq.url,
      rabbitmqNode,
      rabbitmqManagementUrl: managementUrl(rabbitmq.url, managementPort),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** For a test that ends by an uncaught error and never reaches its `close()`: its services end with it. */
function endAbruptly(home: Home, epmdPort: number): void {
  for (const name of recordedNames(home)) {
    const record = livingRecord(home, name);
    if (record) killGroup(record.pid);
  }
  spawnSync("epmd", ["-port", String(epmdPort), "-kill"]);
  rmSync(home.root, { recursive: true, force: true });
}

export interface TestDatabase {
  name: string;
  /** Names the database too. */
  url: string;
  close(): Promise<void>;
}

export async function createTestDatabase(services: TestServiceAddresses): Promise<TestDatabase> {
  const name = uniqueName();
  await execute(services.mysqlUrl, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  const url = new URL(services.mysqlUrl);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    close: () => execute(services.mysqlUrl, `DROP DATABASE IF EXISTS ${name}`),
  };
}

export interface TestRedisPrefix {
  url: string;
  /** Ends in a colon: what every key of this test begins with. */
  prefix: string;
  close(): Promise<void>;
}

export async function createTestRedisPrefix(services: TestServiceAddresses): Promise<TestRedisPrefix> {
  const prefix = `${uniqueName()}:`;
  return { url: services.redisUrl, prefix, close: () => deleteKeys(services.redisUrl, prefix) };
}

/** What an api of a test needs of its own. */
export interface TestPlace {
  mysqlUrl: string;
  redisUrl: string;
  redisPrefix: string;
  close(): Promise<void>;
}

export async function createTestPlace(): Promise<TestPlace> {
  const services = await startTestServices();
  const database = await createTestDatabase(services);
  const prefix = await createTestRedisPrefix(services);
  return {
    mysqlUrl: database.url,
    redisUrl: prefix.url,
    redisPrefix: prefix.prefix,
    close: async () => {
      await prefix.close();
      await database.close();
      await services.close();
    },
  };
}

export interface TestVhost {
  url: string;
  close(): Promise<void>;
}

export async function createTestVhost(services: TestServiceAddresses): Promise<TestVhost> {
  const name = uniqueName();
  await administer(services, "PUT", `/api/vhosts/${name}`);
  return {
    url: `${services.rabbitmqUrl}/${name}`,
    close: () => administer(services, "DELETE", `/api/vhosts/${name}`),
  };
}

/** Over HTTP in a fraction of the time that rabbitmqctl takes, and whoever makes a vhost has all rights in it. */
async function administer(services: TestServiceAddresses, method: string, path: string): Promise<void> {
  const { username, password, origin } = new URL(services.rabbitmqManagementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(`${origin}${path}`, { method, headers, body: "{}" });
  if (!answer.ok) throw new Error(`the broker answers ${answer.status} to ${method} ${path}`);
}

function managementUrl(rabbitmqUrl: string, port: number): string {
  const { username, password, hostname } = new URL(rabbitmqUrl);
  return `http://${username}:${password}@${hostname}:${port}`;
}

type SixPorts = [number, number, number, number, number, number];

function uniqueName(): string {
  return `t_${randomBytes(6).toString("hex")}`;
}

async function execute(url: string, sql: string): Promise<void> {
  const connection = await createConnection(url);
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}

async function deleteKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(keys);
    }
  } finally {
    redis.disconnect();
  }
}
