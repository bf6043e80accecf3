import { readFileSync } from "node:fs";
import { CHANGES_MAX_LENGTH } from "@sluice/contract/change.ts";
import { changesKey, checkpointKey, readyKey } from "@sluice/contract/keys.ts";
import type { RedisStore } from "../platform/redis/connect.ts";

/**
 * Where the relay stands, kept in Redis beside the projections that it describes, so that one can't outlive
 * the other (docs/decisions/0002-checkpoint-in-redis.md). States of the key:
 *
 *     absent ──snapshot──▶ building <epoch> <step> ──complete──▶ following <epoch> <position>
 *       ▲                        │ ▲                                    │
 *       └────── wiped ───────────┘ └──── position purged, wiped ────────┘
 *
 * `ready` names the epoch while, and only while, the projections are complete. Every move names what it
 * expects to find, so each batch also finds out whether this is still the Redis that it wrote to.
 */
export interface Place {
  /** The checkpoint's text, "" when absent. */
  readonly checkpoint: string;
  /** The epoch in `ready`, "" when absent. */
  readonly ready: string;
}

/** Redis does not hold what was written there last: wiped, failed over, or led by somebody else. */
export class PlaceLost extends Error {
  constructor() {
    super("redis no longer holds what the relay wrote there");
    this.name = "PlaceLost";
  }
}

const script = readFileSync(new URL("advance.lua", import.meta.url), "utf8");

export async function readPlace(redis: RedisStore): Promise<Place> {
  const [checkpoint, ready] = await redis.client.mget(checkpointKey(redis.prefix), readyKey(redis.prefix));
  return { checkpoint: checkpoint ?? "", ready: ready ?? "" };
}

export function buildingPlace(epoch: string, step: number): Place {
  return { checkpoint: `building ${epoch} ${step}`, ready: "" };
}

export function followingPlace(epoch: string, position: string): Place {
  return { checkpoint: `following ${epoch} ${position}`, ready: epoch };
}

/** Undefined when there is nothing to resume: no checkpoint, no `ready`, or a snapshot that was cut short. */
export function resumable(place: Place): { readonly epoch: string; readonly position: string } | undefined {
  const [state, epoch, position] = place.checkpoint.split(" ");
  if (state !== "following" || epoch === undefined || position === undefined) return undefined;
  return epoch === place.ready ? { epoch, position } : undefined;
}

/** Throws PlaceLost when Redis is not at `from`. A new epoch in `to` is announced to the change stream. */
export async function advance(redis: RedisStore, from: Place, to: Place): Promise<Place> {
  const moved = await redis.client.eval(
    script,
    3,
    checkpointKey(redis.prefix),
    readyKey(redis.prefix),
    changesKey(redis.prefix),
    from.checkpoint,
    from.ready,
    to.checkpoint,
    to.ready,
    String(CHANGES_MAX_LENGTH),
  );
  if (moved !== 1) throw new PlaceLost();
  return to;
}
