import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { openHome } from "../../../cli/src/process/home.ts";
import { freePorts } from "../../../cli/src/process/ports.ts";
import {
  createTestDatabase,
  createTestRedisPrefix,
  createTestVhost,
  startTestServices,
  type TestServices,
} from "../../../cli/src/services/for-tests.ts";
import { startMariadb } from "../../../cli/src/services/mariadb.ts";
import type { RunningService } from "../../../cli/src/services/service.ts";
import { openProxy } from "../../test/tcp-proxy.ts";
import { openFixture, type RelayFixture, until } from "./relay-fixture.ts";

/** A primary and its replica; the relay reaches whichever leads by an address that moves. */
let services: TestServices;
let primary: RunningService;
let replica: RunningService;
const folders: string[] = [];

before(async () => {
  services = await startTestServices();
  [primary, replica] = await Promise.all([startServer(1), startServer(2)]);
  const { hostname, port, username, password } = new URL(primary.url);
  const sql = await createConnection(replica.url);
  await sql.query(
    `CHANGE MASTER TO MASTER_HOST = ?, MASTER_PORT = ${port}, MASTER_USER = ?, MASTER_PASSWORD = ?,
     MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1`,
    [hostname, username, password],
  );
  await sql.query("START SLAVE");
  await sql.end();
});

after(async () => {
  await Promise.all([primary?.close(), replica?.close()]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await services?.close();
});

async function startServer(serverId: number): Promise<RunningService> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-failover-"));
  folders.push(folder);
  const [port = 0] = await freePorts(1);
  return startMariadb({ home: openHome(folder), port, durable: false, mayCreateDatabases: true, serverId });
}

test("after a failover the relay follows the replica from its checkpoint, then one that lost writes", async () => {
  await using address = await openProxy(primary.url);
  const database = await createTestDatabase({ ...services, mysqlUrl: primary.url });
  await copyAccount();
  const keys = await createTestRedisPrefix(services);
  const vhost = await createTestVhost(services);
  const url = new URL(database.url);
  url.port = String(address.port);
  const f = await openFixture({
    mysqlUrl: url.href,
    redisUrl: keys.url,
    redisPrefix: keys.prefix,
    rabbitmqUrl: vhost.url,
  });
  try {
    await f.sql.query("INSERT INTO things (name) VALUES ('tea'), ('cup')");
    await f.startRelay();
    await until("ready", () => f.log.some(({ msg }) => msg === "ready"), 30_000);
    await f.sql.query("UPDATE things SET name = 'green tea', version = 2 WHERE id = 1");
    await caughtUp(f.sql);

    const other = await createConnection(
      `${replica.url.slice(0, replica.url.lastIndexOf("/"))}/${database.name}`,
    );
    await other.query("STOP SLAVE");
    address.pointTo(replica.url);
    await other.query("UPDATE things SET name = 'big cup', version = 2 WHERE id = 2");
    await other.query("INSERT INTO things (name) VALUES ('pot')");
    await until("the replica's changes", async () => (await f.projected(3)).version === "1", 30_000);
    assert.deepEqual(await f.projected(1), { version: "2", document: { id: 1, name: "green tea" } });
    assert.deepEqual(await f.projected(2), { version: "2", document: { id: 2, name: "big cup" } });
    assert.equal(completions(f), 1, "it filled anew instead of following");

    // Back to the old primary, which has nothing of what its replica took meanwhile.
    address.pointTo(primary.url);
    await until("filled anew", () => completions(f) === 2, 60_000);
    assert.equal((await f.projected(2)).version, "1");
    assert.equal((await f.projected(3)).version, null);
    await other.end();
  } finally {
    await f.close();
    await vhost.close();
    await keys.close();
  }
});

const completions = ({ log }: RelayFixture) => log.filter(({ msg }) => msg === "projections complete").length;

/** Their accounts have passwords of their own; an application has one that is replicated. */
async function copyAccount(): Promise<void> {
  const { username, password } = new URL(primary.url);
  const sql = await createConnection(replica.url);
  await sql.query("SET sql_log_bin = 0");
  await sql.query(`ALTER USER '${username}'@'%' IDENTIFIED BY '${password}'`);
  await sql.end();
  const url = new URL(replica.url);
  url.password = password;
  replica = { ...replica, url: url.href };
}

async function caughtUp(source: Connection): Promise<void> {
  const [rows] = await source.query<RowDataPacket[]>("SELECT @@GLOBAL.gtid_binlog_pos AS position");
  const sql = await createConnection(replica.url);
  const [waited] = await sql.query<RowDataPacket[]>("SELECT MASTER_GTID_WAIT(?, 30) AS missing", [
    rows[0]?.position,
  ]);
  assert.equal(Number(waited[0]?.missing), 0, "the replica did not catch up");
  await sql.end();
}
