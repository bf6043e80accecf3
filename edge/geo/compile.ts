/**
 * Compiles what lies at the sources into tables that edge workers search, each beside the state of its source
 * (`geo.json`, a `GeoReport`):
 *
 *     source as before  → nothing
 *     a sound one       → a new table takes the place of the one before, by a rename
 *     a broken one, or none → the table stays, and the report says what is wrong
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GeoReport, GeoSource, GeoTableReport } from "@sluice/contract/geo-report.ts";
import { type GeoKind, readGeoData } from "./read-ranges.ts";
import { encodeTable } from "./table-file.ts";

/** The sources: paths of files of MaxMind's format. */
export interface GeoFiles {
  readonly country: string;
  /** Undefined: no network is known. */
  readonly asn: string | undefined;
}

/** City files of all languages have some hundred MB. */
const SOURCE_BYTES_MAX = 1_073_741_824;

const reportFile = "geo.json";

/** Does what is to be done now; a source that is as it was when its table was made costs a look. */
export function compileGeo(files: GeoFiles, folder: string, nowMs: number): GeoReport {
  const before = readReport(folder);
  const report: GeoReport = {
    country: compileTable("country", files.country, folder, before?.country, nowMs),
    asn: files.asn === undefined ? null : compileTable("asn", files.asn, folder, before?.asn, nowMs),
  };
  if (files.asn === undefined)
    for (const name of ["asn.bin", "asn.from"]) rmSync(join(folder, name), { force: true });
  writeReport(folder, report);
  return report;
}

/** Whether an edge can start from what is there: a source that was named has a table. */
export function isUsable({ country, asn }: GeoReport): boolean {
  return country.source !== null && (asn === null || asn.source !== null);
}

/** What changes when the source does: which file, how long and how old. Undefined when there is none. */
export function stampOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found?.isFile() ? `${file} ${found.ino} ${found.size} ${found.mtimeNs}` : undefined;
}

function compileTable(
  kind: GeoKind,
  file: string,
  folder: string,
  before: GeoTableReport | null | undefined,
  nowMs: number,
): GeoTableReport {
  const table = join(folder, `${kind}.bin`);
  const from = join(folder, `${kind}.from`);
  const held = stampOf(table) === undefined ? null : (before?.source ?? null);
  try {
    const stamp = stampOf(file);
    if (stamp === undefined) throw new Error("is not there");
    const origin = [stamp, ...COMPILER.map((path) => stampOf(path))].join("\n");
    if (held !== null && textOf(from) === origin) return { file, problem: null, source: held };
    const { source, bytes } = compile(kind, file, nowMs);
    replaceFile(table, bytes);
    writeFileSync(from, origin);
    return { file, problem: null, source };
  } catch (error) {
    return { file, problem: `${file} ${(error as Error).message}`, source: held };
  }
}

/** Another compiler makes another table of the same source. */
const COMPILER = [
  "compile.ts",
  "read-ranges.ts",
  "table-file.ts",
  "../../contract/src/policy/geo-records.ts",
].map((path) => fileURLToPath(new URL(path, import.meta.url)));

function compile(kind: GeoKind, file: string, nowMs: number): { source: GeoSource; bytes: Buffer } {
  if (statSync(file).size > SOURCE_BYTES_MAX) throw new Error(`has more than ${SOURCE_BYTES_MAX} bytes`);
  const mmdb = readFileSync(file);
  const data = readGeoData(mmdb, kind);
  const { bytes, id } = encodeTable(data);
  const source: GeoSource = {
    sha256: createHash("sha256").update(mmdb).digest("hex"),
    type: data.type,
    builtAtMs: data.builtAtMs,
    compiledAtMs: nowMs,
    ipv4: data.ipv4.starts.length,
    ipv6: data.ipv6.starts.length,
    table: id,
  };
  return { source, bytes };
}

function readReport(folder: string): GeoReport | undefined {
  const text = textOf(join(folder, reportFile));
  return text === undefined ? undefined : (JSON.parse(text) as GeoReport);
}

function writeReport(folder: string, report: GeoReport): void {
  const text = JSON.stringify(report);
  if (textOf(join(folder, reportFile)) !== text) replaceFile(join(folder, reportFile), text);
}

/** Whoever reads sees the file before or this one, whole; after a crash of the machine too. */
function replaceFile(path: string, content: Buffer | string): void {
  const partial = `${path}.partial`;
  const file = openSync(partial, "w");
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(partial, path);
}

function textOf(path: string): string | undefined {
  return stampOf(path) === undefined ? undefined : readFileSync(path, "utf8");
}
