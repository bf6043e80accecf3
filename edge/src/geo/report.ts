import {
  GEO_FIELD_SEPARATOR,
  GEO_REPORT_INTERVAL_MS,
  GEO_REPORT_KEPT_MS,
} from "@sluice/contract/geo-report.ts";
import { geoReportsKey } from "@sluice/contract/keys.ts";
import { nowMs } from "../platform/clock.ts";
import { readFile } from "../platform/files.ts";
import { connect, release } from "../platform/redis.ts";
import { every, later } from "../platform/timers.ts";
import { isFirstWorker, workerNumber, workerPid } from "../platform/worker.ts";
import { followGeoData, geoTableIds } from "./geo-data.ts";

/**
 * Tells operators which tables this worker uses, and worker 0 also what the compiler says that runs beside this edge.
 * Nobody waits for it: without Redis nothing is told, and the next report says all there is to say.
 *
 * KEYS[1] the reports; ARGV[1] the time before which they count no more; then field, value, and again
 */
const TELL = `
for i = 2, #ARGV, 2 do redis.call("HSET", KEYS[1], ARGV[i], ARGV[i + 1]) end
local all = redis.call("HGETALL", KEYS[1])
for i = 1, #all, 2 do
  local told = tonumber(string.match(all[i + 1], "^%d+"))
  if told == nil or told < tonumber(ARGV[1]) then redis.call("HDEL", KEYS[1], all[i]) end
end
return 1`;

/** Follows the tables, and tells about them at once and from time to time. */
export function startGeo(folder: string, edge: string, prefix: string): void {
  const key = geoReportsKey(prefix);
  const report = () => tell(folder, edge, key);
  followGeoData(folder, report);
  later(0, report);
  every(GEO_REPORT_INTERVAL_MS, report);
}

function tell(folder: string, edge: string, key: string): void {
  const at = string.format("%.0f", nowMs());
  const [country, asn] = geoTableIds();
  const pid = string.format("%d", workerPid());
  const values = [
    `${edge}${GEO_FIELD_SEPARATOR}${string.format("%d", workerNumber())}`,
    `${at} {"pid":${pid},"country":"${country}","asn":"${asn}"}`,
  ];
  if (isFirstWorker()) {
    const [report] = readFile(`${folder}/geo.json`);
    if (report !== undefined) values.push(edge, `${at} ${report}`);
  }
  const [redis] = connect();
  if (redis === undefined) return;
  const [done] = redis.eval(TELL, 1, key, string.format("%.0f", nowMs() - GEO_REPORT_KEPT_MS), ...values);
  if (done === undefined) redis.close();
  else release(redis);
}
