import type { ChannelModel } from "amqplib";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { Database } from "../../../platform/mysql/database.ts";
import { fromSqlTime, toSqlTime } from "../../../platform/mysql/time.ts";
import { expiryLimits } from "../application/limits.ts";
import { type ExpiryLanes, expiryTopology } from "./expiry-lanes.ts";

export interface LaneKeeper {
  /** After the lanes in use were declared: writes them down, and takes all others out of use. */
  takeUp(model: ChannelModel): Promise<void>;
  /** Deletes retired lanes in which nothing waits any more. */
  deleteDrained(model: ChannelModel): Promise<void>;
}

/**
 * Knows which lanes there are, also those of a configuration that is gone: the broker does not tell.
 *
 *     in use ──another TTL or number of shards──▶ retired: gets no new messages ──its TTL, and a while──▶ deleted
 *        ▲                                             │
 *        └──────────── configured again ───────────────┘
 *
 * A retired lane goes on by itself: what waits in it falls due when its time has come. It is deleted when that time
 * is over for the last message, and it is empty: not before a further `laneDrainedAfterMs`, for a dead letter is
 * with the broker until the queue of due messages has confirmed it.
 */
export function laneKeeper(deps: {
  database: Database;
  lanes: ExpiryLanes;
  clock: Clock;
  logger: Logger;
}): LaneKeeper {
  const { database, lanes, clock, logger } = deps;
  const inUse = new Set(lanes.map(({ queue }) => queue));

  return {
    takeUp: async (model) => {
      if (lanes.length > 0) {
        await database.execute(
          `INSERT INTO expiry_lanes (queue, routing_key, ttl_ms) VALUES ?
           ON DUPLICATE KEY UPDATE retired_at = NULL`,
          [lanes.map(({ queue, routingKey, ttlMs }) => [queue, routingKey, ttlMs])],
        );
      }
      const known = await database.query<LaneRow>("SELECT * FROM expiry_lanes WHERE retired_at IS NULL");
      for (const lane of known.filter(({ queue }) => !inUse.has(queue))) {
        await onOwnChannel(model, async (channel) => {
          await channel.unbindQueue(lane.queue, expiryTopology.waitExchange, lane.routing_key);
        });
        await database.execute("UPDATE expiry_lanes SET retired_at = ? WHERE queue = ?", [
          toSqlTime(clock()),
          lane.queue,
        ]);
        logger.info({ queue: lane.queue }, "a lane is taken out of use");
      }
    },
    deleteDrained: async (model) => {
      const retired = await database.query<LaneRow>(
        "SELECT * FROM expiry_lanes WHERE retired_at IS NOT NULL",
      );
      for (const lane of retired) {
        const since = fromSqlTime(lane.retired_at as string) + lane.ttl_ms;
        if (clock() < since + expiryLimits.laneDrainedAfterMs) continue;
        const deleted = await onOwnChannel(model, async (channel) => {
          if ((await channel.checkQueue(lane.queue)).messageCount > 0) return false;
          await channel.deleteQueue(lane.queue);
          return true;
        });
        if (deleted === false) continue;
        await database.execute("DELETE FROM expiry_lanes WHERE queue = ?", [lane.queue]);
        logger.info({ queue: lane.queue }, "a lane is empty and deleted");
      }
    },
  };
}

interface LaneRow {
  readonly queue: string;
  readonly routing_key: string;
  readonly ttl_ms: number;
  readonly retired_at: string | null;
}

const notFound = 404;

/** Undefined when the queue is not there, which closes the channel; so each question has one of its own. */
async function onOwnChannel<T>(
  model: ChannelModel,
  work: (channel: Awaited<ReturnType<ChannelModel["createChannel"]>>) => Promise<T>,
): Promise<T | undefined> {
  const channel = await model.createChannel();
  channel.on("error", () => undefined);
  try {
    const done = await work(channel);
    await channel.close();
    return done;
  } catch (error) {
    if ((error as { code?: number }).code === notFound) return undefined;
    throw error;
  }
}
