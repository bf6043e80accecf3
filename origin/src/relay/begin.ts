import { setTimeout as delay } from "node:timers/promises";
import { leaderKey } from "@sluice/contract/keys.ts";
import type { Connection } from "mysql2/promise";
import type { NewId } from "../kernel/ids.ts";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import type { ProjectedTable } from "../platform/redis/projected-table.ts";
import { redisScript } from "../platform/redis/script.ts";
import { connectExact } from "./connection.ts";
import { isFilled, readFills } from "./fill.ts";
import type { LogFault } from "./log-fault.ts";
import { type Checkpoint, checkpointText, type Place, readCheckpoint, removingPlace } from "./place.ts";
import { currentPosition, databaseId, hasAllOf } from "./source.ts";

/**
 * Where to follow from: the checkpoint, when it holds, or the log's end, with all projections to be filled.
 *
 * Versions of another database, or of transactions that this one lost, say nothing about what is newer. Then all
 * projections are removed first: they could hold versions that will not come again for years.
 */
export interface BeginOptions {
  readonly url: string;
  readonly redis: RedisStore;
  readonly tables: readonly ProjectedTable[];
  readonly place: Place;
  readonly token: string;
  readonly newId: NewId;
  /** What the last attempt to follow has found out. */
  readonly fault: LogFault | undefined;
  readonly logger: Logger;
}

export const beginLimits = {
  /** A replica that was just promoted may still be applying what it had received. */
  behindGraceMs: 5_000,
  behindPauseMs: 500,
  keysPerScan: 1_000,
} as const;

export async function beginAt(options: BeginOptions): Promise<Checkpoint> {
  const { url, place, tables, newId, logger } = options;
  const connection = await connectExact(url);
  try {
    const database = await databaseId(connection);
    const found = readCheckpoint(place.held.checkpoint);
    const reason = await reasonToBeginAnew(options, connection, found, database);
    if (reason === undefined && found !== undefined) return found;
    logger.warn({ removes: reason?.removes }, reason?.text ?? "");
    if (reason?.removes) {
      // Said first, so that one who dies in between is followed by one who goes on removing.
      await place.move(() => ({ checkpoint: removingPlace, ready: "", fills: "" }));
      await removeProjections(options);
    }
    const begun = { epoch: newId(), database, position: await currentPosition(connection) };
    await place.move(() => ({ checkpoint: checkpointText(begun), ready: "", fills: "" }));
    logger.info({ ...begun, tables: tables.length }, "projections are to be filled");
    return begun;
  } finally {
    connection.destroy();
  }
}

interface Reason {
  readonly text: string;
  readonly removes: boolean;
}

async function reasonToBeginAnew(
  { place, tables, fault }: BeginOptions,
  connection: Connection,
  found: Checkpoint | undefined,
  database: string,
): Promise<Reason | undefined> {
  const { checkpoint, ready, fills } = place.held;
  const anew = (text: string, removes = false) => ({ text, removes });
  if (checkpoint === removingPlace) return anew("projections are still to be removed", true);
  if (found === undefined) return anew("redis holds no projections");
  if (found.database !== database) return anew("redis holds the projections of another database", true);
  if (fault === "diverged" || !(await hasSoon(connection, found.position))) {
    return anew("the database has lost transactions that redis holds", true);
  }
  if (fault === "purged") return anew("the log no longer reaches back to the checkpoint");
  const complete = tables.every((table) => isFilled(table, readFills(fills)));
  const agrees = ready === found.epoch || (ready === "" && !complete);
  return agrees ? undefined : anew("`ready` was removed");
}

async function hasSoon(connection: Connection, position: string): Promise<boolean> {
  const untilMs = performance.now() + beginLimits.behindGraceMs;
  while (!(await hasAllOf(connection, position))) {
    if (performance.now() > untilMs) return false;
    await delay(beginLimits.behindPauseMs);
  }
  return true;
}

const removeScript = redisScript(new URL("remove.lua", import.meta.url));

async function removeProjections({ redis, tables, token, logger }: BeginOptions): Promise<void> {
  const { client, prefix } = redis;
  let removed = 0;
  for (const pattern of new Set(tables.map(({ keys }) => keys))) {
    const match = `${prefix.replace(/[\\?*[\]]/g, "\\$&")}${pattern}`;
    for await (const found of client.scanStream({ match, count: beginLimits.keysPerScan })) {
      const keys = found as string[];
      if (keys.length === 0) continue;
      removed += Number(await removeScript.run(client, [leaderKey(prefix), ...keys], [token]));
    }
  }
  logger.info({ removed }, "projections removed");
}
