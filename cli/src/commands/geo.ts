import type { Command } from "commander";
import { callOperators } from "../operators/client.ts";
import { formatTable } from "../operators/table.ts";
import { finish } from "./finish.ts";

interface Table {
  file: string;
  problem: string | null;
  source: {
    sha256: string;
    type: string;
    builtAt: string;
    ipv4: number;
    ipv6: number;
    table: string;
  } | null;
}

interface File {
  file: string;
  problem: string | null;
  type: string | null;
  builtAt: string | null;
}

interface Worker {
  worker: number;
  country: string;
  asn: string;
}

interface Status {
  healthy: boolean;
  origin: { country: File; asn: File | null };
  edges: { edge: string; country: Table; asn: Table | null; workers: Worker[] }[];
}

export function addGeoCommands(program: Command): void {
  const geo = program.command("geo").description("the data that say where addresses are");
  geo
    .command("status")
    .description(
      "which files are in use, how old they are, and which workers have them; exit code 1 when one has not",
    )
    .option("--json", "for programs")
    .action((options) => finish(status(options)));
}

async function status({ json }: { json?: boolean }): Promise<number> {
  const { body } = await callOperators("GET", "/geo");
  const known = body as Status;
  console.log(json ? JSON.stringify(known, null, 2) : tables(known, new Date()));
  return known.healthy ? 0 : 1;
}

function tables({ origin, edges }: Status, now: Date): string {
  const kinds = ["country", "asn"] as const;
  const inUse = edges.flatMap((edge) =>
    kinds.map((kind) => {
      const table = edge[kind];
      const { sha256, type, builtAt, ipv4, ipv6 } = table?.source ?? {};
      const missing = edge.workers.filter((worker) => worker[kind] === "behind").length;
      const have = edge.workers.filter((worker) => worker[kind] === "current").length;
      const workers = `${have} of ${edge.workers.length}${missing > 0 ? `, ${missing} behind` : ""}`;
      if (table === null) return [edge.edge, kind, "no file was named", "-", "-", "-", "-", "-", "-"];
      return [
        edge.edge,
        kind,
        type ?? "-",
        builtAt?.slice(0, 10) ?? "-",
        builtAt === undefined ? "-" : age(builtAt, now),
        sha256?.slice(0, 12) ?? "-",
        ipv4 === undefined ? "-" : `${ipv4} + ${ipv6}`,
        workers,
        table.file,
      ];
    }),
  );
  const ofOrigin = kinds.map((kind) => {
    const file = origin[kind];
    if (file === null) return ["api", kind, "no file was named", "-", "-", "-", "-", "-", "-"];
    const { type, builtAt } = file;
    const days = builtAt === null ? "-" : age(builtAt, now);
    return ["api", kind, type ?? "-", builtAt?.slice(0, 10) ?? "-", days, "-", "-", "-", file.file];
  });
  const problems = [
    ...edges.flatMap((edge) => kinds.map((kind) => [edge.edge, edge[kind]?.problem] as const)),
    ...kinds.map((kind) => ["api", origin[kind]?.problem] as const),
  ].flatMap(([place, problem]) =>
    problem == null ? [] : [`${place}: ${problem}; what was there before is in use`],
  );
  const head = ["at", "data", "type", "made", "age", "sha256", "IPv4 + IPv6 ranges", "workers", "file"];
  const silent = edges.length === 0 ? ["no edge has told anything within the last 30 s"] : [];
  return [formatTable(head, [...inUse, ...ofOrigin]), ...problems, ...silent].join("\n");
}

function age(instant: string, now: Date): string {
  return `${Math.floor((now.getTime() - Date.parse(instant)) / 86_400_000)} d`;
}
