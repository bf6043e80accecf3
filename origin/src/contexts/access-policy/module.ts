import type { ApiConfig } from "../../config.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Refusal } from "../../kernel/errors.ts";
import type { Metrics } from "../../platform/http/metrics-route.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Database } from "../../platform/mysql/database.ts";
import type { RedisStore } from "../../platform/redis/connect.ts";
import type { ProjectedTable } from "../../platform/redis/projected-table.ts";
import { repeat } from "../../platform/repeat.ts";
import { dryRun, locate } from "./application/dry-run.ts";
import { banAgain, putEntry, removeEntry } from "./application/edit-lists.ts";
import { allEntries, putEntries, removeEntries } from "./application/edit-many.ts";
import { explainRequest } from "./application/explain-request.ts";
import { forgetEntries, forgetLimits } from "./application/forget-entries.ts";
import { edgesTold, geoStatus } from "./application/geo-status.ts";
import { listDecisions } from "./application/list-decisions.ts";
import { previewBan } from "./application/preview-ban.ts";
import { publishPolicy, restoreRevision } from "./application/publish-policy.ts";
import { accessErrors } from "./errors.ts";
import { decisionsIn } from "./infrastructure/decisions.ts";
import { openGeoFiles } from "./infrastructure/geo-files.ts";
import { geoReportsIn } from "./infrastructure/geo-reports.ts";
import { accessEntriesTable, listsIn } from "./infrastructure/lists.ts";
import { policiesIn, policyTable } from "./infrastructure/policies.ts";
import { dropProjectedFrom } from "./infrastructure/projected-entries.ts";
import { decisionMetrics } from "./interface/decision-metrics.ts";
import { addDecisionRoutes } from "./interface/decision-routes.ts";
import { addGeoRoutes, geoMetrics } from "./interface/geo-routes.ts";
import { addListRoutes } from "./interface/list-routes.ts";
import { addPolicyRoutes } from "./interface/policy-routes.ts";

export { accessPolicyAudits } from "./infrastructure/audits.ts";

/** For the relay. */
export const accessPolicyTables: readonly ProjectedTable[] = [accessEntriesTable, policyTable];

export interface AccessPolicyDependencies {
  readonly config: Pick<ApiConfig, "geoipCountryDb" | "geoipAsnDb">;
  readonly database: Database;
  readonly redis: RedisStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type AccessPolicyWorkerDependencies = Omit<AccessPolicyDependencies, "config">;

/** What the worker does of the access policy. Without Redis it waits: the rows don't run away. */
export function startAccessPolicyWorker({ database, redis, clock, logger }: AccessPolicyWorkerDependencies) {
  const on = { lists: listsIn(database), dropProjected: dropProjectedFrom(redis), clock };
  return repeat(
    "forget old list entries",
    () => forgetLimits.intervalMs,
    async () => void (redis.isUp() && (await forgetEntries(on))),
    logger,
  );
}

export interface AccessPolicy {
  addOperatorRoutes(app: HttpServer): void;
  readonly metrics: readonly Metrics[];
  close(): Promise<void>;
}

export async function createAccessPolicy(given: AccessPolicyDependencies): Promise<AccessPolicy> {
  const { config, database, redis, clock, logger } = given;
  const lists = listsIn(database);
  const policies = policiesIn(database);
  const record = decisionsIn(redis);
  const geo = await openGeoFiles({ country: config.geoipCountryDb, asn: config.geoipAsnDb }, logger);
  const reports = geoReportsIn(redis);
  const on = { lists, policies, geo, clock };
  return {
    addOperatorRoutes: (app) => {
      addListRoutes(app, {
        put: (list, entry) => putEntry(on, list, entry),
        banAgain: (entry) => banAgain(on, entry),
        remove: (list, cidr) => removeEntry(on, list, cidr),
        putAll: (list, lines) => putEntries(on, list, lines),
        removeAll: (list, lines) => removeEntries(on, list, lines),
        all: (list) => allEntries(on, list),
        previewBan: (cidr) => previewBan({ lists, record, clock }, cidr),
        page: (list, afterId, limit) => lists.page(list, afterId, limit, clock()),
      });
      addPolicyRoutes(app, {
        current: policies.current,
        page: policies.page,
        revision: async (revision) => {
          const found = await policies.revision(revision);
          if (found === undefined) throw new Refusal(accessErrors.revisionUnknown);
          return found;
        },
        publish: (document, replaces, attribution) => publishPolicy(on, document, replaces, attribution),
        restore: (revision, replaces, attribution) => restoreRevision(on, revision, replaces, attribution),
        explain: (request) => explainRequest(on, request),
      });
      addDecisionRoutes(app, {
        list: (filter, cursor, limit) => listDecisions(record, filter, cursor, limit),
        recorded: record.count,
        dryRun: (draft, sinceMs) => dryRun(on, draft, record.since(sinceMs)),
        dryRunOf: (draft, batches) => dryRun(on, draft, locate(batches, geo)),
      });
      addGeoRoutes(app, () => geoStatus(reports, geo.state(), clock));
    },
    metrics: [
      decisionMetrics({
        counters: record.counters,
        recorded: record.count,
        revision: async () => (await policies.current()).revision,
      }),
      geoMetrics(geo.state, async () => edgesTold(await reports(), clock)),
    ],
    close: geo.close,
  };
}
