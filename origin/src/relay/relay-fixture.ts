import { setTimeout as delay } from "node:timers/promises";
import { productKey } from "@sluice/contract/keys.ts";
import { connect } from "amqplib";
import type { Connection } from "mysql2/promise";
import { systemClock } from "../kernel/clock.ts";
import { newUuid } from "../kernel/ids.ts";
import { createLogger } from "../platform/logger.ts";
import { openDatabase } from "../platform/mysql/database.ts";
import { connectRedis, type RedisStore, untilReady } from "../platform/redis/connect.ts";
import { productProjection } from "../platform/redis/project.ts";
import { type ProjectedTable, projectedTable } from "../platform/redis/projected-table.ts";
import { connectExact } from "./connection.ts";
import { createRelay } from "./module.ts";
import type { Relay } from "./relay.ts";

/** A table of the test's own, an outbox, and relays that follow them on real services. */
export interface RelayFixture {
  readonly sql: Connection;
  readonly redis: RedisStore;
  readonly mysqlUrl: string;
  /** What relays have logged, parsed. */
  readonly log: readonly LogLine[];
  startRelay(tables?: readonly ProjectedTable[], productFilterIds?: number): Promise<Relay>;
  /** The document of a thing in Redis with its version. */
  projected(id: number | string): Promise<{ version: string | null; document: unknown }>;
  close(): Promise<void>;
}

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface FixtureServices {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  readonly redisPrefix: string;
  readonly rabbitmqUrl: string;
}

const schema = [
  `CREATE TABLE things (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    version BIGINT UNSIGNED NOT NULL DEFAULT 1
  ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4`,
  `CREATE TABLE outbox (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    exchange VARCHAR(190) CHARACTER SET ascii NOT NULL,
    routing_key VARCHAR(190) CHARACTER SET ascii NOT NULL,
    message_id CHAR(36) CHARACTER SET ascii NOT NULL,
    payload LONGTEXT NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    published_at DATETIME(6) NULL,
    KEY outbox_unpublished (published_at, id)
  ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4`,
  `CREATE TABLE relay_heartbeat (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    database_id CHAR(36) CHARACTER SET ascii NOT NULL,
    beat_at DATETIME(6) NOT NULL
  ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4`,
  "INSERT INTO relay_heartbeat VALUES (1, UUID(), UTC_TIMESTAMP(6))",
];

export const things = projectedTable({
  table: "things",
  primaryKey: "id",
  columns: ["id", "name", "version"],
  revision: 1,
  keys: productKey("", "*"),
  projections: ({ id, name, version }) => [
    productProjection({
      id: String(id),
      version: String(version),
      document: JSON.stringify({ id: Number(id), name }),
    }),
  ],
});

export async function openFixture(services: FixtureServices): Promise<RelayFixture> {
  const { mysqlUrl, redisUrl, redisPrefix, rabbitmqUrl } = services;
  const log: LogLine[] = [];
  const logger = createLogger("relay", "info", collector(log));
  const sql = await connectExact(mysqlUrl);
  for (const statement of schema) await sql.query(statement);
  const redis = connectRedis(redisUrl, redisPrefix, logger);
  await untilReady(redis, 5_000);
  const relays = new Set<Relay>();

  return {
    sql,
    redis,
    mysqlUrl,
    log,
    startRelay: async (tables = [things], productFilterIds = 10_000) => {
      const database = openDatabase(mysqlUrl);
      const own = connectRedis(redisUrl, redisPrefix, logger);
      const config = { mysqlUrl, rabbitmqUrl, productFilterIds };
      const started = await createRelay({
        config,
        database,
        redis: own,
        tables,
        clock: systemClock,
        newId: newUuid,
        random: Math.random,
        logger,
        onReady: () => {},
      });
      const relay: Relay = {
        close: async () => {
          relays.delete(relay);
          await started.close();
          await own.close();
          await database.close();
        },
      };
      relays.add(relay);
      return relay;
    },
    projected: async (id) => {
      const [version, document] = await redis.client.hmget(
        `${redisPrefix}product:${id}`,
        "product.v",
        "product.d",
      );
      return { version: version ?? null, document: document ? JSON.parse(document) : undefined };
    },
    close: async () => {
      await Promise.all([...relays].map((relay) => relay.close()));
      await sql.end().catch(() => sql.destroy());
      await redis.close();
    },
  };
}

/** Waits for the thing itself, looking every few milliseconds. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean, withinMs = 10_000) {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await delay(5);
  }
}

/** Declares an exchange with one queue behind it and gives the message ids that arrive there. */
export async function openInbox(rabbitmqUrl: string, exchange: string) {
  const connection = await connect(rabbitmqUrl);
  const channel = await connection.createChannel();
  await channel.assertExchange(exchange, "topic", { durable: true });
  const { queue } = await channel.assertQueue(`${exchange}.inbox`, { durable: true });
  await channel.bindQueue(queue, exchange, "#");
  const messageIds: string[] = [];
  await channel.consume(queue, (message) => {
    if (message === null) return;
    messageIds.push(String(message.properties.messageId));
    channel.ack(message);
  });
  connection.on("error", () => undefined);
  return { messageIds, close: () => connection.close().catch(() => undefined) };
}

function collector(lines: LogLine[]): NodeJS.WritableStream {
  const write = (text: string) => {
    lines.push(JSON.parse(text) as LogLine);
    return true;
  };
  return { write } as unknown as NodeJS.WritableStream;
}
