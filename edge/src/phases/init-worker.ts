import { likes } from "../cache/likes.ts";
import { startPageSample } from "../cache/page-sample.ts";
import { products } from "../cache/products.ts";
import { startFollower } from "../changes/follower.ts";
import { loadGeoData } from "../geo/geo-data.ts";
import { startGeo } from "../geo/report.ts";
import { logError, logNotice } from "../platform/log.ts";
import { isFirstWorker, seedRandom } from "../platform/worker.ts";
import { currentLists } from "../policies/access.ts";
import { startUpkeep } from "../policies/access-lists.ts";
import { loadSnapshot, startSnapshotWriter } from "../policies/snapshot.ts";
import { startAdmissionLine } from "../sales/admission-line.ts";
import type { EdgeSettings } from "../settings.ts";
import { startDecisionCounts } from "../telemetry/decision-counts.ts";
import { startDecisionSample } from "../telemetry/decision-sample.ts";
import { followTokenKeys } from "../token/follow-keys.ts";
import { loadTokenKeys } from "../token/keys.ts";

/**
 * Each worker, a respawned one too, starts from the files and not from what its parent happened to hold. What
 * fails here leaves the worker unready, and it refuses until Redis has given what is missing.
 *
 * @phase init_worker
 */
export function startWorker(settings: EdgeSettings): void {
  seedRandom();
  const [, keysFailure] = loadTokenKeys(settings.tokenKeysFile);
  if (keysFailure !== undefined) logError(`token keys: ${keysFailure}`);
  const [position, snapshotFailure] = loadSnapshot(settings.stateDir);
  if (snapshotFailure !== undefined) logNotice(`no snapshot: ${snapshotFailure}`);
  if (isFirstWorker()) startSnapshotWriter(settings.stateDir);
  const geoFailure = loadGeoData(settings.geoDir);
  if (geoFailure !== undefined) logError(`geo data: ${geoFailure}`);
  startGeo(settings.geoDir, settings.edge, settings.redisPrefix);
  followTokenKeys(settings.tokenKeysFile);
  startFollower(settings.redisPrefix, position);
  startUpkeep(currentLists());
  startAdmissionLine();
  startDecisionCounts(settings.redisPrefix);
  startPageSample(settings.redisPrefix, [products, likes]);
  startDecisionSample(settings.redisPrefix, settings.sample);
}
