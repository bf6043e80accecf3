/**
 * A private MariaDB with the binlog settings that the relay insists on (row images in full, with column
 * names). Accounts are brought into their state by an init file at every start, so a start that was cut
 * short half-way is repaired by the next.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2";
import type { Home } from "../process/home.ts";
import { startProcess } from "../process/owned-process.ts";
import { LOOPBACK } from "../process/ports.ts";
import { untilReady } from "../process/ready.ts";
import { secretIn } from "../process/secret.ts";
import { runTask } from "../process/task.ts";
import { within } from "../process/within.ts";
import { ANSWER_TIMEOUT_MS, type RunningService, runningService, type ServiceOptions } from "./service.ts";

export interface MariadbOptions extends ServiceOptions {
  /** Lets the account create databases of its own: tests have one each. */
  mayCreateDatabases: boolean;
  /** Unique among servers that replicate from each other; 1 when there is only one. */
  serverId?: number;
}

const START_TIMEOUT_MS = 120_000;
const BINLOG_EXPIRE_SECONDS = 7 * 24 * 3600;

export async function startMariadb(options: MariadbOptions): Promise<RunningService> {
  const { home, port } = options;
  const folder = join(home.data, "mysql");
  const rootPassword = secretIn(join(home.keys, "mysql-root-password"));
  const password = secretIn(join(home.keys, "mysql-password"));
  if (!existsSync(folder)) await installDatabase(home, folder);
  const initFile = join(home.keys, "mysql-init.sql");
  writeFileSync(initFile, accounts(rootPassword, password, options.mayCreateDatabases), { mode: 0o600 });
  const owned = await startProcess({
    name: "mysql",
    command: "mariadbd",
    args: serverArguments(options, folder, initFile),
    env: { ...process.env, PATH: pathWithSbin() },
    home,
    port,
    stopGraceMs: 20_000,
  });
  const url = mysqlUrl(port, password);
  await untilReady(owned, START_TIMEOUT_MS, () => pingMariadb(url));
  return runningService(owned, url);
}

export function mysqlUrl(port: number, password: string): string {
  return `mysql://sluice:${password}@${LOOPBACK}:${port}/sluice`;
}

function serverArguments(
  { port, durable, serverId = 1 }: MariadbOptions,
  folder: string,
  initFile: string,
): string[] {
  return [
    "--no-defaults",
    ...asRoot("--user=root"),
    `--datadir=${folder}`,
    `--port=${port}`,
    `--bind-address=${LOOPBACK}`,
    // Relative to the data folder: a socket's whole path may not exceed 107 bytes, and a checkout may lie deep.
    "--socket=mysql.sock",
    "--pid-file=mysql.pid",
    `--init-file=${initFile}`,
    "--skip-name-resolve",
    "--log-bin=binlog",
    `--server-id=${serverId}`,
    "--log-slave-updates=ON",
    "--gtid-strict-mode=ON",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
    `--expire-logs-days=${BINLOG_EXPIRE_SECONDS / 86_400}`,
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--default-time-zone=+00:00",
    "--max-connections=300",
    "--innodb-buffer-pool-size=128M",
    `--innodb-flush-log-at-trx-commit=${durable ? 1 : 2}`,
    `--sync-binlog=${durable ? 1 : 0}`,
  ];
}

/** Into a folder aside, renamed when complete: a half-made data folder is never taken for a database. */
async function installDatabase(home: Home, folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  const args = [
    "--no-defaults",
    ...asRoot("--user=root"),
    `--datadir=${fresh}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
  ];
  await runTask({ name: "mysql-install", home, cwd: home.root, command: "mariadb-install-db", args });
  renameSync(fresh, folder);
}

/** The server reads an init file statement by statement, one on each line. */
function accounts(rootPassword: string, password: string, mayCreateDatabases: boolean): string {
  const grants = mayCreateDatabases
    ? ["GRANT ALL PRIVILEGES ON *.* TO 'sluice'@'%' WITH GRANT OPTION;"]
    : [
        "GRANT ALL PRIVILEGES ON sluice.* TO 'sluice'@'%';",
        "GRANT REPLICATION SLAVE, BINLOG MONITOR, REPLICATION SLAVE ADMIN ON *.* TO 'sluice'@'%';",
      ];
  const statements = [
    "SET sql_log_bin = 0;",
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${rootPassword}';`,
    "DROP USER IF EXISTS ''@'localhost';",
    "CREATE DATABASE IF NOT EXISTS sluice CHARACTER SET utf8mb4;",
    `CREATE USER IF NOT EXISTS 'sluice'@'%' IDENTIFIED BY '${password}';`,
    `ALTER USER 'sluice'@'%' IDENTIFIED BY '${password}';`,
    ...grants,
  ];
  return `${statements.join("\n")}\n`;
}

export async function pingMariadb(url: string): Promise<void> {
  const connection = createConnection({ uri: url, connectTimeout: ANSWER_TIMEOUT_MS });
  const answered = new Promise<void>((resolve, reject) => {
    connection.query("SELECT 1", (error) => (error ? reject(error) : resolve()));
  });
  try {
    await within(ANSWER_TIMEOUT_MS, answered);
  } finally {
    connection.destroy();
  }
}

function asRoot(argument: string): string[] {
  return process.getuid?.() === 0 ? [argument] : [];
}

/** mariadbd lies in /usr/sbin, which is not on the path of an ordinary Debian user. */
function pathWithSbin(): string {
  return `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;
}
