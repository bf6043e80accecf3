import { CHANGES_MAX_LENGTH } from "@sluice/contract/change.ts";
import { changesKey, checkpointKey, fillsKey, leaderKey, readyKey } from "@sluice/contract/keys.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { redisScript } from "../platform/redis/script.ts";

/**
 * Where the relay stands, kept in Redis beside the projections that it describes, so that one can't outlive
 * the other (docs/decisions/0002-checkpoint-in-redis.md). Three keys:
 *
 *     relay:checkpoint   following <epoch> <database> <position>: the log is applied up to there
 *     relay:fills        table → how far its rows were read, and by which revision of its declaration
 *     ready              the epoch, while and only while every projection is complete
 *
 *     nothing ──begin──▶ following, filling ──all filled──▶ following, ready ──a table is declared anew──▶ …
 *        ▲                      │                                │                  its fill begins again,
 *        └──────────────── wiped, purged, another database ──────┘                  ready stays
 *
 * Every move names what it expects to find, so each also finds out whether this is still the Redis that it wrote
 * to, and names the token of the leader, so that a relay that no longer leads moves nothing.
 */
export interface Held {
  /** "" when absent, as the others. */
  readonly checkpoint: string;
  readonly ready: string;
  readonly fills: string;
}

export interface Checkpoint {
  readonly epoch: string;
  /** `relay_heartbeat.database_id`: whose log this is a position in. */
  readonly database: string;
  readonly position: string;
}

/** Redis does not hold what was written there last: wiped, failed over, or led by somebody else. */
export class PlaceLost extends Error {
  constructor() {
    super("redis no longer holds what the relay wrote there");
    this.name = "PlaceLost";
  }
}

/** One leader's view of the three keys. Moves are made one after the other, whoever asks for them. */
export interface Place {
  readonly held: Held;
  /** Throws PlaceLost when Redis is not as `held` says. Without a change it only looks. */
  move(change: (held: Held) => Partial<Held>): Promise<void>;
}

const script = redisScript(new URL("advance.lua", import.meta.url));

export async function openPlace(redis: RedisStore, token: string): Promise<Place> {
  const { client, prefix } = redis;
  const placeKeys = [checkpointKey(prefix), readyKey(prefix), fillsKey(prefix)];
  const [checkpoint, ready, fills] = await client.mget(placeKeys);
  let held: Held = { checkpoint: checkpoint ?? "", ready: ready ?? "", fills: fills ?? "" };
  let last: Promise<void> = Promise.resolve();
  const keys = [leaderKey(prefix), changesKey(prefix), ...placeKeys];

  const moveTo = async (to: Held) => {
    const expectations = [held.checkpoint, to.checkpoint, held.ready, to.ready, held.fills, to.fills];
    const moved = await script.run(client, keys, [token, String(CHANGES_MAX_LENGTH), ...expectations]);
    if (moved !== 1) throw new PlaceLost();
    held = to;
  };

  return {
    get held() {
      return held;
    },
    move: (change) => {
      last = last.then(() => moveTo({ ...held, ...change(held) }));
      return last;
    },
  };
}

/** The checkpoint while projections are removed that belong to another history. */
export const removingPlace = "removing";

export function checkpointText({ epoch, database, position }: Checkpoint): string {
  return `following ${epoch} ${database} ${position}`;
}

/** Undefined when there is nothing to resume. The position of an empty log is empty. */
export function readCheckpoint(text: string): Checkpoint | undefined {
  const [state, epoch, database, position] = text.split(" ");
  if (state !== "following" || epoch === undefined) return undefined;
  if (database === undefined || position === undefined) return undefined;
  return { epoch, database, position };
}
