import type { Clock } from "../kernel/clock.ts";
import type { NewId } from "../kernel/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { Database } from "../platform/mysql/database.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";

/** What every part of a relay takes from its process. */
export interface RelayOptions {
  readonly mysqlUrl: string;
  readonly rabbitmqUrl: string;
  readonly redis: RedisStore;
  readonly database: Database;
  readonly tables: readonly ProjectedTable[];
  /** How many ids each filter is made for. */
  readonly filterIdsMax: number;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  /** Identifies this process to the server that it replicates from. */
  readonly serverId: number;
  readonly logger: Logger;
  /** Each time that it follows the log and every projection is there. */
  readonly onReady: () => void;
}
