import { accessEntriesKey } from "@sluice/contract/keys.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";

/** No edge has to hear of it: to all of them these entries had ended before. */
export function dropProjectedFrom(redis: RedisStore): (ids: readonly number[]) => Promise<void> {
  return async (ids) => {
    await redis.client.hdel(accessEntriesKey(redis.prefix), ...ids.map(String));
  };
}
