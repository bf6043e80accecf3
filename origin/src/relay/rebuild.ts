import type { RedisStore } from "../platform/redis/connect.ts";
import { readFills } from "./fill.ts";
import { type Place, removingPlace } from "./place.ts";

/**
 * How an operator asks for projections to be filled anew: a key in Redis, which the leader takes. Without a leader
 * it waits for one.
 */
export interface RebuildRequest {
  /** Tables; null for all. */
  readonly projections: readonly string[] | null;
  /**
   * Removes what is there first. Until it is filled, whoever needs it is refused. Without it rows are written over
   * in place, and nobody notices.
   */
  readonly fromScratch: boolean;
}

/** Thrown to follow again, from the checkpoint, with what is to be filled. */
export class RebuildAsked extends Error {
  constructor() {
    super("an operator asks for projections to be rebuilt");
    this.name = "RebuildAsked";
  }
}

export function rebuildKey(prefix: string): string {
  return `${prefix}relay:rebuild`;
}

export async function askForRebuild(redis: RedisStore, request: RebuildRequest): Promise<void> {
  await redis.client.set(rebuildKey(redis.prefix), JSON.stringify(request));
}

/** Whether the leader has taken what was asked for. */
export async function isRebuildTaken(redis: RedisStore): Promise<boolean> {
  return (await redis.client.exists(rebuildKey(redis.prefix))) === 0;
}

/** Throws RebuildAsked when there is a request. It is removed only after its effect is in Redis. */
export async function takeRebuildRequest(redis: RedisStore, place: Place): Promise<void> {
  const key = rebuildKey(redis.prefix);
  const text = await redis.client.get(key);
  if (text === null) return;
  const { projections, fromScratch } = JSON.parse(text) as RebuildRequest;
  await place.move(({ fills }) => {
    if (fromScratch) return { checkpoint: removingPlace, ready: "", fills: "" };
    const kept = Object.entries(readFills(fills)).filter(([table]) => projections?.includes(table) === false);
    return { fills: JSON.stringify(Object.fromEntries(kept)) };
  });
  await redis.client.del(key);
  throw new RebuildAsked();
}
