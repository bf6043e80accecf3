import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readyKey } from "@sluice/contract/keys.ts";
import { createConnection } from "mysql2/promise";
import { createTestDatabase, startTestServices } from "../../cli/src/services/for-tests.ts";
import { RELAY_NODE_FLAGS } from "../../cli/src/services/node-role.ts";
import { startEdge } from "../../edge/test/edge-under-test.ts";
import { PREFIX, startRedis } from "../../edge/test/redis-under-test.ts";
import { type RelayStatus, statusKey } from "../../origin/src/relay/status.ts";
import { startTestApi } from "../../origin/test/start-api.ts";
import { eventually } from "../src/eventually.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** A process reads all sources of the origin first: seconds, and many on a machine that is busy. */
const START_TIMEOUT_MS = 120_000;
const RELAYS = 2;
/** What a relay says of itself must be so new. */
const STATUS_AGE_MAX_MS = 2_000;

export interface Stage {
  edgePort: number;
  /** Commits this price, which is the row's version too. */
  write(thing: number, price: number): Promise<void>;
  /** Where each thing that has a price is read: products, and after them flash sales. */
  paths: readonly string[];
  /** `kill -9`; whoever is killed is there again when it resolves, or is starting. */
  kill(victim: Victim): Promise<void>;
  /** Everything is up, follows and is complete. */
  isWell(): Promise<boolean>;
  close(): Promise<void>;
}

export type Victim = "leading relay" | "edge worker" | "redis";

/** A database, a Redis of its own, an api, two relays, of which one leads, and an edge of two workers. */
export async function startStage(products: number, sales: number): Promise<Stage> {
  const services = await startTestServices();
  const database = await createTestDatabase(services);
  const redis = await startRedis();
  const redisUrl = `redis://127.0.0.1:${redis.port}`;
  const places = { mysqlUrl: database.url, redisUrl, redisPrefix: PREFIX };
  const api = await startTestApi(places, {}, { LOG_LEVEL: "silent" });
  const sql = await createConnection({ uri: database.url });
  const now = "UTC_TIMESTAMP(6)";
  await sql.query(
    `INSERT INTO products (name, description, price_cents, currency, status, version, created_at, updated_at)
     VALUES ${Array.from({ length: products }, () => `('thing', '', 1, 'EUR', 'active', 1, ${now}, ${now})`).join(",")}`,
  );
  await sql.query(
    "INSERT INTO stock (product_id, total, available, reserved, sold) SELECT id, 9, 9, 0, 0 FROM products",
  );
  await sql.query(
    `INSERT INTO sales (product_id, price_cents, currency, total, per_user_max, per_second, buy_rate, countries,
       starts_at, ends_at, status, challenge_key, token_key, token_public, version, created_at, updated_at)
     VALUES ${Array.from({ length: sales }, () => `(1, 1, 'EUR', 1, 1, 1, 10000, '', ${now}, '2099-01-01', 'PAUSED', 'key', 'key', 'key', 1, ${now}, ${now})`).join(",")}`,
  );
  const environment = {
    ...process.env,
    MYSQL_URL: database.url,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: PREFIX,
    RABBITMQ_URL: services.rabbitmqUrl,
    LOG_LEVEL: "info",
  };
  const relays: Relay[] = Array.from({ length: RELAYS }, () => startRelay(environment));
  const edge = await startEdge({
    redisPort: redis.port,
    originPort: Number(new URL(api.url).port),
    workers: 2,
  });
  const isWell = async () => {
    const text = await redis.client.get(statusKey(PREFIX)).catch(() => null);
    if (text === null) return false;
    const status = JSON.parse(text) as RelayStatus;
    if (status.state !== "following" || Date.now() - status.atMs > STATUS_AGE_MAX_MS) return false;
    if (status.behindMs === null || status.behindMs > STATUS_AGE_MAX_MS) return false;
    return (await redis.client.exists(readyKey(PREFIX))) === 1;
  };
  const stage: Stage = {
    edgePort: edge.port,
    paths: [
      ...Array.from({ length: products }, (_, index) => `/products/${index + 1}`),
      ...Array.from({ length: sales }, (_, index) => `/flash-sales/${index + 1}`),
    ],
    write: async (thing, price) => {
      const [table, id] = thing < products ? ["products", thing + 1] : ["sales", thing - products + 1];
      await sql.query("UPDATE ?? SET price_cents = ?, version = ? WHERE id = ?", [table, price, price, id]);
    },
    kill: async (victim) => {
      if (victim === "redis") {
        // Without a save: it comes back empty.
        await redis.killUnsaved();
        await redis.restart();
      } else if (victim === "edge worker") {
        process.kill(workersOf(edge.folder)[0] as number, "SIGKILL");
      } else {
        const index = Math.max(
          0,
          relays.findIndex(({ leads }) => leads()),
        );
        await (relays[index] as Relay).kill();
        relays[index] = startRelay(environment);
      }
    },
    isWell: async () => {
      if (!(await isWell())) return false;
      await edge.untilFollowing();
      return true;
    },
    close: async () => {
      await edge.close();
      await Promise.all(relays.map((relay) => relay.kill()));
      await api.close();
      await sql.end();
      await redis.close();
      await database.close();
      await services.close();
    },
  };
  await eventually("everything follows", START_TIMEOUT_MS, async () => (await stage.isWell()) || undefined);
  return stage;
}

interface Relay {
  leads(): boolean;
  kill(): Promise<void>;
}

function startRelay(environment: NodeJS.ProcessEnv): Relay {
  const child: ChildProcess = spawn(
    process.execPath,
    [...RELAY_NODE_FLAGS, join(ROOT, "origin/src/main.ts"), "relay"],
    { cwd: ROOT, env: environment, stdio: ["ignore", "pipe", "ignore"] },
  );
  let leads = false;
  child.stdout?.on("data", (chunk: Buffer) => {
    if (chunk.includes("this relay leads")) leads = true;
  });
  return {
    leads: () => leads,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** nginx's workers are the children of the process that its pid file names. */
function workersOf(edgeFolder: string): number[] {
  const master = readFileSync(join(edgeFolder, "run/nginx.pid"), "utf8").trim();
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === master)
    .map(Number);
}

function parentOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ")[1];
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
