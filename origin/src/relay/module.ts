import { setTimeout as delay } from "node:timers/promises";
import type { RelayConfig } from "../config.ts";
import type { Clock } from "../kernel/clock.ts";
import type { NewId } from "../kernel/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";
import { checkLogSettings, LogSettingsFaults } from "./log-settings.ts";
import { type Relay, startRelay } from "./relay.ts";

export { relayMetrics } from "./metrics.ts";
export { requestRebuild, statusText, UnknownProjection } from "./operate.ts";
export { type RelayStatus, readStatus } from "./status.ts";

export interface RelayDependencies {
  readonly config: Pick<RelayConfig, "mysqlUrl" | "rabbitmqUrl" | "productFilterIds">;
  readonly database: Database;
  readonly redis: RedisStore;
  /** What the contexts want to have in Redis. */
  readonly tables: readonly ProjectedTable[];
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onReady: () => void;
}

const bootRetryMs = 500;

/**
 * Starts to relay, or throws LogSettingsFaults. Waits for a database that is not there yet; what is missing
 * later is waited for as well, so this process ends only by `close()`.
 */
export async function createRelay(given: RelayDependencies): Promise<Relay> {
  const { config, database, redis, tables, clock, newId, random, logger, onReady } = given;
  await settingsAreRight(config.mysqlUrl, logger);
  return startRelay({
    mysqlUrl: config.mysqlUrl,
    rabbitmqUrl: config.rabbitmqUrl,
    database,
    redis,
    tables,
    filterIdsMax: config.productFilterIds,
    clock,
    newId,
    random,
    serverId: uniqueServerId(random),
    logger,
    onReady,
  });
}

async function settingsAreRight(url: string, logger: Logger): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await checkLogSettings(url);
    } catch (error) {
      if (error instanceof LogSettingsFaults) throw error;
      if (attempt === 0) logger.warn({ err: (error as Error).message }, "waiting for the database");
      await delay(bootRetryMs);
    }
  }
}

/** From the upper half of the 32 bits, where nobody numbers servers by hand. */
function uniqueServerId(random: () => number): number {
  return 2 ** 31 + Math.floor(random() * 2 ** 31);
}
