/**
 * What edges tell of their geo data, in one Redis hash. A field is the edge's name, with what the compiler beside it
 * says, or that name, {@link GEO_FIELD_SEPARATOR} and a worker's number, with what this worker uses. A value is the
 * time at which it was told, Unix time in milliseconds, a space, and JSON.
 */
export const GEO_FIELD_SEPARATOR = "|";

/** How often each worker tells. */
export const GEO_REPORT_INTERVAL_MS = 5_000;
/** What was told earlier is of an edge that is gone. */
export const GEO_REPORT_KEPT_MS = 30_000;

/** Also the file `geo.json` beside the tables. */
export interface GeoReport {
  country: GeoTableReport;
  /** Null when the edge was given no file of networks. */
  asn: GeoTableReport | null;
}

export interface GeoTableReport {
  /** Path of the source. */
  file: string;
  /** What is wrong with the source that lies there now: the table is of the one before. */
  problem: string | null;
  /** Of the source that is in use; null as long as there was none. */
  source: GeoSource | null;
}

export interface GeoSource {
  sha256: string;
  /** What the source says of itself: `GeoLite2-City`. */
  type: string;
  /** When it was made, and when it was compiled here; Unix time. */
  builtAtMs: number;
  compiledAtMs: number;
  /** Ranges of the table. */
  ipv4: number;
  ipv6: number;
  /** Names the table's content. */
  table: string;
}

/** Tables in use, by their names; empty where there is none. */
export interface WorkerGeoReport {
  pid: number;
  country: string;
  asn: string;
}
