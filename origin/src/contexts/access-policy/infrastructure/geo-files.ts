import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import { parseAddress } from "@sluice/contract/policy/address.ts";
import { ASN_UNKNOWN, COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import { asnInRecord, countryInRecord, isSpecialPurpose } from "@sluice/contract/policy/geo-records.ts";
import { Reader, type Response } from "maxmind";
import type { Logger } from "../../../platform/logger.ts";
import { repeat } from "../../../platform/repeat.ts";
import { stampOf, watchIntervalMs } from "../../../platform/watched-file.ts";
import type { Geo, GeoFileState, OriginGeo } from "../application/ports.ts";

export interface GeoFiles extends Geo {
  state(): OriginGeo;
  close(): Promise<void>;
}

/**
 * Country and network by the same files, and by the same rules, of which the edge compiles its tables. A file that is
 * replaced is in use within two seconds; while one is broken or gone, the one before it is.
 */
export async function openGeoFiles(
  files: { readonly country: string; readonly asn: string },
  logger: Logger,
): Promise<GeoFiles> {
  const countries = followGeoFile("country", files.country === "" ? freeCountries() : files.country, logger);
  const networks = files.asn === "" ? undefined : followGeoFile("asn", files.asn, logger);
  await Promise.all([countries.opened, networks?.opened]);
  return {
    countryOf: (address) => countryInRecord(recordIn(countries.reader(), address)),
    asnOf: (address) => asnInRecord(recordIn(networks?.reader(), address)),
    hasNetworks: () => networks?.reader() !== undefined,
    state: () => ({ country: countries.state(), asn: networks?.state() ?? null }),
    close: async () => {
      await Promise.all([countries.close(), networks?.close()]);
    },
  };
}

function freeCountries(): string {
  return createRequire(import.meta.url).resolve(
    "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb",
  );
}

type FileReader = Reader<Response>;

function recordIn(reader: FileReader | undefined, address: string): Response | null {
  const parsed = parseAddress(address);
  if (reader === undefined || parsed === undefined || isSpecialPurpose(parsed)) return null;
  if (parsed.family === 6 && reader.metadata.ipVersion === 4) return null;
  return reader.get(address);
}

function followGeoFile(kind: "country" | "asn", file: string, logger: Logger) {
  let reader: FileReader | undefined;
  let problem: string | null = null;
  let [seen, used] = ["", ""];
  const { promise: opened, resolve } = Promise.withResolvers<void>();

  async function look(): Promise<void> {
    const stamp = await stampOf(file).catch(() => "none");
    // One that is being copied into its place is left alone until it is whole.
    const isStill = stamp === seen || used === "";
    seen = stamp;
    if (stamp === used || !isStill) return;
    used = stamp;
    try {
      reader = await openSound(kind, file);
      problem = null;
      logger.info({ file, type: reader.metadata.databaseType }, `${kind} data in use`);
    } catch (error) {
      problem = `${file} ${(error as Error).message}`;
      logger.warn({ file, err: (error as Error).message }, `${kind} data can't be used; those before stay`);
    }
  }

  const following = repeat(
    `follow ${file}`,
    () => watchIntervalMs,
    async () => {
      await look();
      resolve();
    },
    logger,
  );
  return {
    opened,
    reader: () => reader,
    state: (): GeoFileState => ({
      file,
      problem,
      type: reader?.metadata.databaseType ?? null,
      builtAtMs: reader?.metadata.buildEpoch.getTime() ?? null,
    }),
    close: () => following.close(),
  };
}

/** Looks at a place in each /12, some at a time: a damaged file shows itself there, and one of another kind. */
async function openSound(kind: "country" | "asn", file: string): Promise<FileReader> {
  const mmdb = await readFile(file).catch(() => {
    throw new Error("can't be read");
  });
  const reader = openReader(mmdb);
  let [records, known] = [0, 0];
  for (let block = 0; block < 4_096; block++) {
    const record = reader.get(`${block >> 4}.${(block & 15) * 16}.0.0`);
    if (record !== null) records += 1;
    if (kind === "asn" ? asnInRecord(record) !== ASN_UNKNOWN : countryInRecord(record) !== COUNTRY_UNKNOWN)
      known += 1;
    if (block % 500 === 0) await setImmediate();
  }
  if (records > 0 && known === 0) {
    throw new Error(
      `holds no ${kind === "asn" ? "network" : "country"} (its type is "${reader.metadata.databaseType}")`,
    );
  }
  return reader;
}

/** Decoded records that are kept; a file repeats few of them often. */
const cachedRecordsMax = 100_000;

function openReader(mmdb: Buffer): FileReader {
  const decoded = new Map<string | number, object>();
  const cache = {
    get: (key: string | number) => decoded.get(key),
    set: (key: string | number, value: object) => {
      if (decoded.size >= cachedRecordsMax) decoded.clear();
      decoded.set(key, value);
    },
  };
  try {
    const reader = new Reader<Response>(mmdb, { cache } as ConstructorParameters<typeof Reader>[1]);
    if (reader.metadata.searchTreeSize > mmdb.length)
      throw new Error("the search tree is longer than the file");
    return reader;
  } catch (error) {
    throw new Error(`is no whole file of MaxMind's format (${(error as Error).message})`, { cause: error });
  }
}
