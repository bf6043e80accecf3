import { geoReportsKey } from "@sluice/contract/keys.ts";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import type { GeoReports } from "../application/ports.ts";

/** What edges told, as they wrote it. */
export function geoReportsIn({ client, prefix, isUp }: RedisStore): GeoReports {
  return async () => (isUp() ? client.hgetall(geoReportsKey(prefix)) : undefined);
}
