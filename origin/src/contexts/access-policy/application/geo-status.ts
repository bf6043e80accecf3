import {
  GEO_FIELD_SEPARATOR,
  GEO_REPORT_KEPT_MS,
  type GeoReport,
  type GeoTableReport,
  type WorkerGeoReport,
} from "@sluice/contract/geo-report.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import { accessErrors } from "../errors.ts";
import type { GeoReports, OriginGeo } from "./ports.ts";

export interface GeoStatus {
  /** Nothing is wrong with any file, and every worker of every edge has the latest table. */
  readonly healthy: boolean;
  /** By what the api explains and dry-runs. */
  readonly origin: OriginGeo;
  readonly edges: readonly EdgeGeo[];
}

export interface EdgeGeo extends GeoReport {
  readonly edge: string;
  readonly workers: readonly WorkerGeo[];
}

export interface WorkerGeo {
  readonly worker: number;
  readonly pid: number;
  readonly toldAtMs: number;
  readonly country: TableState;
  readonly asn: TableState;
}

/** `none`: there is no such table, which is well when the edge was given no file for it. */
export type TableState = "current" | "behind" | "none";

/** Which geo data lie where, and who uses them; what edges told lately. */
export async function geoStatus(reports: GeoReports, origin: OriginGeo, clock: Clock): Promise<GeoStatus> {
  const edges = edgesTold(await reports(), clock);
  if (edges === undefined) throw new Refusal(accessErrors.geoUnknown);
  const problems = [origin.country, origin.asn, ...edges.flatMap(({ country, asn }) => [country, asn])];
  const isWell = ({ country, asn, workers }: EdgeGeo) =>
    workers.every(
      (one) => one.country === "current" && (asn === null ? one.asn === "none" : one.asn === "current"),
    ) && country.source !== null;
  const healthy =
    edges.length > 0 && problems.every((one) => one === null || one.problem === null) && edges.every(isWell);
  return { healthy, origin, edges };
}

/** Of the edges that told something lately; undefined while nobody knows. */
export function edgesTold(
  told: Readonly<Record<string, string>> | undefined,
  clock: Clock,
): EdgeGeo[] | undefined {
  if (told === undefined) return undefined;
  const sinceMs = clock() - GEO_REPORT_KEPT_MS;
  const fields = Object.entries(told)
    .map(([field, value]) => ({ field, ...parsed(value) }))
    .filter(({ atMs }) => atMs >= sinceMs);
  return fields
    .filter(({ field }) => !field.includes(GEO_FIELD_SEPARATOR))
    .map(({ field: edge, said }) => {
      const report = said as GeoReport;
      const own = fields.filter(({ field }) => field.startsWith(`${edge}${GEO_FIELD_SEPARATOR}`));
      const workers = own.map(({ field, atMs, said: worker }): WorkerGeo => {
        const { pid, country, asn } = worker as WorkerGeoReport;
        return {
          worker: Number(field.slice(edge.length + 1)),
          pid,
          toldAtMs: atMs,
          country: stateOf(country, report.country),
          asn: stateOf(asn, report.asn),
        };
      });
      return { edge, ...report, workers: workers.sort((a, b) => a.worker - b.worker) };
    })
    .sort((a, b) => a.edge.localeCompare(b.edge));
}

function stateOf(table: string, report: GeoTableReport | null): TableState {
  if (table === "") return "none";
  return table === report?.source?.table ? "current" : "behind";
}

function parsed(value: string): { atMs: number; said: unknown } {
  const space = value.indexOf(" ");
  return { atMs: Number(value.slice(0, space)), said: JSON.parse(value.slice(space + 1)) };
}
