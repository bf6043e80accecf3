/**
 * Geo data for one edge, from files of MaxMind's format.
 *
 *     node edge/geo/main.ts compile --out <dir> --country <file> [--asn <file>]
 *     node edge/geo/main.ts follow  --out <dir> --country <file> [--asn <file>]
 *
 * `compile` does it once; its exit code is 1 when the edge can't start from what is there. `follow` goes on, and
 * compiles a file again when it was replaced. A file that is broken is told of, and the table before it stays.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { GeoReport, GeoTableReport } from "@sluice/contract/geo-report.ts";
import { compileGeo, isUsable } from "./compile.ts";
import { followGeo } from "./follow.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { out: { type: "string" }, country: { type: "string" }, asn: { type: "string" } },
    allowPositionals: true,
  });
  const [command] = positionals;
  const { out, country, asn } = values;
  if ((command !== "compile" && command !== "follow") || out === undefined || country === undefined) {
    console.error("usage: node edge/geo/main.ts compile|follow --out <dir> --country <file> [--asn <file>]");
    return 2;
  }
  const folder = resolve(out);
  mkdirSync(folder, { recursive: true });
  const files = { country, asn: asn === "" ? undefined : asn };
  if (command === "compile") {
    const report = compileGeo(files, folder, Date.now());
    tell(report);
    return isUsable(report) ? 0 : 1;
  }
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.abort());
  sayReady();
  try {
    await followGeo(files, folder, tell, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
  return 0;
}

/** As the roles of the origin do that listen nowhere: by a file. */
function sayReady(): void {
  const { READY_FILE: readyFile = "" } = process.env;
  if (readyFile !== "") writeFileSync(readyFile, "");
}

function tell({ country, asn }: GeoReport): void {
  tellOf("country", country);
  if (asn !== null) tellOf("asn", asn);
}

function tellOf(kind: string, { problem, source }: GeoTableReport): void {
  const time = new Date().toISOString();
  if (source !== null && problem === null) {
    const { type, builtAtMs, ipv4, ipv6, table } = source;
    const made = new Date(builtAtMs).toISOString();
    console.log(`${time} ${kind}: ${type} of ${made}, ${ipv4} IPv4 and ${ipv6} IPv6 ranges, table ${table}`);
  } else {
    console.error(
      `${time} ${kind}: ${problem}; ${source === null ? "there is no table" : "the table before it stays"}`,
    );
  }
}
