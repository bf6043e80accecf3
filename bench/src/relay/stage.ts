/**
 * What the relay is measured on: a private MariaDB and Redis, the real schema, and the relay as the process that it
 * is in production. No broker: the outbox stays empty, and the relay waits for one without a word.
 */
import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Home } from "../../../cli/src/process/home.ts";
import { freePorts } from "../../../cli/src/process/ports.ts";
import { startMariadb } from "../../../cli/src/services/mariadb.ts";
import { RELAY_NODE_FLAGS } from "../../../cli/src/services/node-role.ts";
import { startRedis } from "../../../cli/src/services/redis.ts";
import { checkout } from "../../../cli/src/settings.ts";

export interface Stage {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  readonly sql: Connection;
  readonly redis: Redis;
  startRelay(): RelayProcess;
  close(): Promise<void>;
}

export interface RelayProcess {
  readonly pid: number;
  /** Resolves when it follows the log. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

const MAIN = join(checkout, "origin/src/main.ts");
const NO_BROKER = "amqp://127.0.0.1:1";

export async function openStage(home: Home): Promise<Stage> {
  const [mysqlPort = 0, redisPort = 0] = await freePorts(2);
  const [mysql, redisServer] = await Promise.all([
    startMariadb({ home, port: mysqlPort, durable: false, mayCreateDatabases: true }),
    startRedis({ home, port: redisPort, durable: false }),
  ]);
  const env = { ...process.env, MYSQL_URL: mysql.url, REDIS_URL: redisServer.url, RABBITMQ_URL: NO_BROKER };
  await promisify(execFile)(process.execPath, [MAIN, "migrate"], { env });
  const sql = await createConnection(mysql.url);
  const redis = new Redis(redisServer.url);
  return {
    mysqlUrl: mysql.url,
    redisUrl: redisServer.url,
    sql,
    redis,
    startRelay: () => startRelay(env),
    close: async () => {
      redis.disconnect();
      sql.destroy();
      await Promise.all([mysql.close(), redisServer.close()]);
    },
  };
}

function startRelay(env: NodeJS.ProcessEnv): RelayProcess {
  const args = [...RELAY_NODE_FLAGS, MAIN, "relay"];
  const relay = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => relay.once("exit", () => resolve()));
  const said: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    createInterface(relay.stdout).on("line", (line) => {
      said.push(line);
      if (line.includes('"msg":"ready"')) resolve();
    });
    void exited.then(() => reject(new Error(`the relay ended:\n${said.slice(-5).join("\n")}`)));
  });
  // Whoever does not wait for it does not miss it.
  ready.catch(() => undefined);
  return {
    pid: relay.pid as number,
    ready,
    stop: async () => {
      relay.kill("SIGTERM");
      await exited;
    },
  };
}

export async function logPosition(sql: Connection): Promise<string> {
  const [rows] = await sql.query<RowDataPacket[]>("SELECT @@GLOBAL.gtid_binlog_pos AS position");
  return String(rows[0]?.position);
}
