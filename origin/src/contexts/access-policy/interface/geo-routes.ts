import type { GeoSource, GeoTableReport } from "@sluice/contract/geo-report.ts";
import Type, { type Static } from "typebox";
import { gauge, type Metrics } from "../../../platform/http/metrics-route.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { EdgeGeo, GeoStatus } from "../application/geo-status.ts";
import type { GeoFileState, OriginGeo } from "../application/ports.ts";

const Text = Type.Union([Type.String(), Type.Null()]);

const FileBody = Type.Object({ file: Type.String(), problem: Text, type: Text, builtAt: Text });

const TableBody = Type.Object({
  file: Type.String(),
  problem: Text,
  source: Type.Union([
    Type.Object({
      sha256: Type.String(),
      type: Type.String(),
      builtAt: Type.String(),
      compiledAt: Type.String(),
      ipv4: Type.Integer({ description: "ranges of the table" }),
      ipv6: Type.Integer(),
      table: Type.String({ description: "names the content of the table that workers use" }),
    }),
    Type.Null(),
  ]),
});

const StateBody = Type.String({ description: "current, behind or none" });

const StatusBody = Type.Object({
  healthy: Type.Boolean(),
  origin: Type.Object({ country: FileBody, asn: Type.Union([FileBody, Type.Null()]) }),
  edges: Type.Array(
    Type.Object({
      edge: Type.String(),
      country: TableBody,
      asn: Type.Union([TableBody, Type.Null()]),
      workers: Type.Array(
        Type.Object({
          worker: Type.Integer(),
          pid: Type.Integer(),
          toldAt: Type.String(),
          country: StateBody,
          asn: StateBody,
        }),
      ),
    }),
  ),
});

export function addGeoRoutes(app: HttpServer, status: () => Promise<GeoStatus>): void {
  const schema = { tags: ["access policy"], response: { 200: StatusBody } };
  app.get("/geo", { config: { access: "operator:read" }, schema }, async () => {
    const { healthy, origin, edges } = await status();
    return {
      healthy,
      origin: { country: fileBody(origin.country), asn: origin.asn && fileBody(origin.asn) },
      edges: edges.map(edgeBody),
    };
  });
}

/** Undefined while nobody knows what edges have: then only the origin's own files are told of. */
export function geoMetrics(
  origin: () => OriginGeo,
  edges: () => Promise<readonly EdgeGeo[] | undefined>,
): Metrics {
  return async () => {
    const known = await edges();
    const { country, asn } = origin();
    const faulty = [
      ...[["country", country] as const, ["asn", asn] as const].map(
        ([kind, file]) => ["origin", kind, file] as const,
      ),
      ...(known ?? []).flatMap(
        (edge) =>
          [[edge.edge, "country", edge.country] as const, [edge.edge, "asn", edge.asn] as const] as const,
      ),
    ];
    return [
      "# HELP sluice_geo_file_faulty 1 while what lies at the path can't be used, and the data before it are.",
      "# TYPE sluice_geo_file_faulty gauge",
      ...faulty.flatMap(([place, kind, file]) =>
        file === null
          ? []
          : [`sluice_geo_file_faulty{place="${place}",kind="${kind}"} ${file.problem === null ? 0 : 1}`],
      ),
      "# HELP sluice_geo_built_seconds When the data in use were made, Unix time.",
      "# TYPE sluice_geo_built_seconds gauge",
      ...(known ?? []).flatMap(({ edge, country, asn }) =>
        [["country", country] as const, ["asn", asn] as const].flatMap(([kind, table]) =>
          table?.source == null
            ? []
            : [`sluice_geo_built_seconds{place="${edge}",kind="${kind}"} ${table.source.builtAtMs / 1000}`],
        ),
      ),
      ...(known === undefined
        ? []
        : gauge("sluice_geo_workers_behind", "Edge workers without the latest table.", behind(known))),
    ];
  };
}

function behind(edges: readonly EdgeGeo[]): number {
  return edges
    .flatMap(({ asn, workers }) => workers.map((worker) => ({ asn, worker })))
    .filter(({ asn, worker }) => worker.country !== "current" || (asn !== null && worker.asn !== "current"))
    .length;
}

function edgeBody({ edge, country, asn, workers }: EdgeGeo): Static<typeof StatusBody>["edges"][number] {
  return {
    edge,
    country: tableBody(country),
    asn: asn && tableBody(asn),
    workers: workers.map(({ toldAtMs, ...worker }) => ({ ...worker, toldAt: instant(toldAtMs) })),
  };
}

function fileBody({ file, problem, type, builtAtMs }: GeoFileState): Static<typeof FileBody> {
  return { file, problem, type, builtAt: builtAtMs === null ? null : instant(builtAtMs) };
}

function tableBody({ file, problem, source }: GeoTableReport): Static<typeof TableBody> {
  return { file, problem, source: source && sourceBody(source) };
}

function sourceBody({ builtAtMs, compiledAtMs, ...source }: GeoSource) {
  return { ...source, builtAt: instant(builtAtMs), compiledAt: instant(compiledAtMs) };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
