import type { Address } from "@sluice/contract/policy/address.ts";
import { ASN_UNKNOWN, COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import { giveWay, nowMs } from "../platform/clock.ts";
import { logNotice, logWarning } from "../platform/log.ts";
import { every } from "../platform/timers.ts";
import {
  beginTable,
  type RangeTable,
  readPiece,
  readTableHead,
  type TableReading,
  valueAt,
} from "./range-table.ts";

/**
 * Countries and networks by address. The tables are read in the init phase, so that all workers share them; each
 * worker looks every second whether a file was replaced, reads the new one a piece at a time between requests, and
 * takes it when it is whole. Until then, and when it is not sound, the table before it stands.
 *
 *     file as before → nothing
 *     another head   → read it → sound   → in use, the one before is let go
 *                              → damaged → told once, tried again after RETRY_MS
 *     no file        → the table before stands
 */
const LOOK_INTERVAL_MS = 1_000;
const RETRY_MS = 10_000;

interface FollowedTable {
  name: "country" | "asn";
  ranges: RangeTable | undefined;
  /** Of the file that was tried last, sound or not. */
  head: string | undefined;
  failure: string | undefined;
  triedAtMs: number;
}

/** @perWorker */
const countries: FollowedTable = create("country");
/** There are none unless the edge was given a file. @perWorker */
const networks: FollowedTable = create("asn");

/** A letter each for the value's two bytes. @perWorker */
const names = new LuaTable<number, string>();

/** For the init phases: it blocks. Returns what is wrong, where something is. */
export function loadGeoData(folder: string): string | undefined {
  const failures: string[] = [];
  for (const followed of [countries, networks]) {
    const reading = beginReading(followed, folder);
    if (reading !== undefined) {
      while (!reading.isDone) readPiece(reading);
      take(followed, reading);
    }
    if (followed.failure !== undefined) failures.push(followed.failure);
  }
  if (!countriesLoaded()) failures.push(`there is no table of countries in ${folder}`);
  return failures.length === 0 ? undefined : table.concat(failures, "; ");
}

/** `changed` is told of each table that comes into use. */
export function followGeoData(folder: string, changed: (this: void) => void): void {
  every(LOOK_INTERVAL_MS, () => {
    for (const followed of [countries, networks]) {
      const reading = beginReading(followed, folder);
      if (reading !== undefined) {
        while (!reading.isDone) {
          readPiece(reading);
          giveWay();
        }
        const told = followed.failure;
        const { failure, ranges } = reading;
        take(followed, reading);
        if (failure !== undefined && failure !== told) {
          logWarning(`geo data: ${failure}; the table before it stays`);
        }
        if (ranges !== undefined) {
          logNotice(`geo data: ${followed.name} table ${ranges.id} is in use`);
          changed();
        }
      }
    }
  });
}

export function countriesLoaded(): boolean {
  return countries.ranges !== undefined;
}

/** The tables in use, by the names of their contents; empty where there is none. */
export function geoTableIds(): LuaMultiReturn<[country: string, asn: string]> {
  return $multi(idOf(countries), idOf(networks));
}

/**
 * ISO 3166-1 alpha-2, or `ZZ`.
 *
 * @hot
 */
export function countryOf(address: Address): string {
  const ranges = countries.ranges;
  if (ranges === undefined) return COUNTRY_UNKNOWN;
  const value = valueAt(ranges, address);
  const name = names.get(value);
  return name === undefined ? nameOf(value) : name;
}

/**
 * The number of the autonomous system, or 0.
 *
 * @hot
 */
export function asnOf(address: Address): number {
  const ranges = networks.ranges;
  return ranges === undefined ? ASN_UNKNOWN : valueAt(ranges, address);
}

function create(name: FollowedTable["name"]): FollowedTable {
  return { name, ranges: undefined, head: undefined, failure: undefined, triedAtMs: 0 };
}

/** Undefined when there is nothing to be read. */
function beginReading(followed: FollowedTable, folder: string): TableReading | undefined {
  const path = `${folder}/${followed.name}.bin`;
  const head = readTableHead(path);
  const isWaiting = followed.failure === undefined || nowMs() - followed.triedAtMs < RETRY_MS;
  if (head === undefined || (head === followed.head && isWaiting)) return undefined;
  return beginTable(path);
}

function take(followed: FollowedTable, { head, failure, ranges }: TableReading): void {
  followed.head = head;
  followed.failure = failure;
  followed.triedAtMs = nowMs();
  if (ranges !== undefined) followed.ranges = ranges;
}

function nameOf(value: number): string {
  const name = string.char(Math.floor(value / 256), value % 256);
  names.set(value, name);
  return name;
}

function idOf({ ranges }: FollowedTable): string {
  return ranges === undefined ? "" : ranges.id;
}
