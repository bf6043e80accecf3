import type { Address } from "@sluice/contract/policy/address.ts";
import { COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import * as ffi from "ffi";
import { bytesAt } from "../platform/bytes.ts";
import { readFile } from "../platform/files.ts";

/**
 * Countries by address: a sorted table of range starts, searched by halving. It is read in the init phase, so
 * that all workers share one copy, and is used where it lies: flat arrays, no pointers, nothing that a broken
 * file could lead astray.
 *
 * The file, little endian, every part aligned to 8 bytes (`edge/geo/compile-ranges.ts` writes it):
 *
 *     char     magic[8]             "SLGEO1\n\0"
 *     uint32   ipv4Count, ipv6Count, countryCount, 0
 *     double   ipv6A[ipv6Count]     the start's limbs, as `Address` has them
 *     double   ipv6B[ipv6Count]
 *     uint32   ipv6C[ipv6Count]     padded
 *     uint32   ipv4[ipv4Count]      padded
 *     uint16   ipv6Country[…]       padded; index into `countries`
 *     uint16   ipv4Country[…]       padded
 *     char     countries[countryCount][2]
 *
 * A range ends where the next one starts; the first of each family starts at zero.
 */
export const GEO_MAGIC = "SLGEO1\n";

const HEADER_BYTES = 24;

interface RangeTable {
  /** Keeps the memory that the arrays point into. */
  data: string;
  ipv4Count: number;
  ipv6Count: number;
  ipv4: ffi.Pointer<number>;
  ipv4Country: ffi.Pointer<number>;
  /** For each block of 2^16 addresses, and one behind the last: the range in which it starts. */
  ipv4Blocks: ffi.Pointer<number>;
  ipv6A: ffi.Pointer<number>;
  ipv6B: ffi.Pointer<number>;
  ipv6C: ffi.Pointer<number>;
  ipv6Country: ffi.Pointer<number>;
  countries: string[];
}

let ranges: RangeTable | undefined;

/** Reads the table. Returns what is wrong with the file; then the table before it stays. */
export function loadRangeTable(path: string): string | undefined {
  const [data, readError] = readFile(path);
  if (data === undefined) return readError;
  if (data.length < HEADER_BYTES || data.substring(0, GEO_MAGIC.length) !== GEO_MAGIC) {
    return `${path}: is not a range table`;
  }
  const bytes = ffi.cast<ffi.Bytes>("const uint8_t *", data);
  const counts = ffi.cast<ffi.Pointer<number>>("const uint32_t *", bytesAt(bytes, 8));
  const ipv4Count = counts[0] as number;
  const ipv6Count = counts[1] as number;
  const countryCount = counts[2] as number;
  const ipv6A = HEADER_BYTES;
  const ipv6B = ipv6A + ipv6Count * 8;
  const ipv6C = ipv6B + ipv6Count * 8;
  const ipv4 = ipv6C + aligned(ipv6Count * 4);
  const ipv6Country = ipv4 + aligned(ipv4Count * 4);
  const ipv4Country = ipv6Country + aligned(ipv6Count * 2);
  const countries = ipv4Country + aligned(ipv4Count * 2);
  if (ipv4Count === 0 || ipv6Count === 0 || data.length !== countries + countryCount * 2) {
    return `${path}: is cut short or damaged`;
  }
  const starts = ffi.cast<ffi.Pointer<number>>("const uint32_t *", bytesAt(bytes, ipv4));
  const loaded: RangeTable = {
    data,
    ipv4Count,
    ipv6Count,
    ipv4: starts,
    ipv4Blocks: blocksOf(starts, ipv4Count),
    ipv4Country: ffi.cast("const uint16_t *", bytesAt(bytes, ipv4Country)),
    ipv6A: ffi.cast("const double *", bytesAt(bytes, ipv6A)),
    ipv6B: ffi.cast("const double *", bytesAt(bytes, ipv6B)),
    ipv6C: ffi.cast("const uint32_t *", bytesAt(bytes, ipv6C)),
    ipv6Country: ffi.cast("const uint16_t *", bytesAt(bytes, ipv6Country)),
    countries: [],
  };
  for (let i = 0; i < countryCount; i++) {
    loaded.countries.push(data.substring(countries + i * 2, countries + i * 2 + 2));
  }
  ranges = loaded;
  return undefined;
}

export function rangeTableLoaded(): boolean {
  return ranges !== undefined;
}

/**
 * ISO 3166-1 alpha-2, or `ZZ`.
 *
 * @hot
 */
export function countryOf(address: Address): string {
  if (ranges === undefined) return COUNTRY_UNKNOWN;
  if (address.family === 6) {
    return nameOf(ranges, ranges.ipv6Country[findIpv6(ranges, address.a, address.b, address.c)] as number);
  }
  const network = Math.floor(address.a / 256);
  const known = networks.get(network);
  return known === undefined ? searchIpv4(ranges, address.a, network) : known;
}

/**
 * The countries of /24 networks that were seen lately. The search is a loop, and LuaJIT compiles nothing as a
 * whole that has a loop inside: this keeps it off the path of most requests, at 24 bytes a network.
 *
 * @perWorker
 */
let networks = new LuaTable<number, string>();
/** @perWorker */
let networkCount = 0;
const NETWORKS_MAX = 131_072;

function searchIpv4(ranges: RangeTable, address: number, network: number): string {
  const country = nameOf(ranges, ranges.ipv4Country[findIpv4(ranges, address)] as number);
  // A network in which a country ends is searched each time; there are few.
  if (findIpv4(ranges, network * 256) !== findIpv4(ranges, network * 256 + 255)) return country;
  if (networkCount >= NETWORKS_MAX) {
    networks = new LuaTable();
    networkCount = 0;
  }
  networks.set(network, country);
  networkCount += 1;
  return country;
}

/** @hot */
function nameOf(ranges: RangeTable, index: number): string {
  const country = ranges.countries[index];
  return country === undefined ? COUNTRY_UNKNOWN : country;
}

/**
 * Index of the last start that is not above the address.
 *
 * @hot
 */
function findIpv4(ranges: RangeTable, address: number): number {
  const starts = ranges.ipv4;
  const high16 = Math.floor(address / 65536);
  let low = ranges.ipv4Blocks[high16] as number;
  let high = ranges.ipv4Blocks[high16 + 1] as number;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= address) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @hot */
function findIpv6(ranges: RangeTable, a: number, b: number, c: number): number {
  let low = 0;
  let high = ranges.ipv6Count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (startsAtOrBelow(ranges, middle, a, b, c)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @hot */
function startsAtOrBelow(ranges: RangeTable, at: number, a: number, b: number, c: number): boolean {
  const startA = ranges.ipv6A[at] as number;
  if (startA !== a) return startA < a;
  const startB = ranges.ipv6B[at] as number;
  if (startB !== b) return startB < b;
  return (ranges.ipv6C[at] as number) <= c;
}

/** Leaves three or four steps of halving where the whole table would take nineteen. */
function blocksOf(starts: ffi.Pointer<number>, count: number): ffi.Pointer<number> {
  const blocks = ffi.new<ffi.Pointer<number>>("uint32_t[65537]");
  let range = 0;
  for (let block = 0; block <= 65_536; block++) {
    while (range + 1 < count && (starts[range + 1] as number) <= block * 65536) range += 1;
    blocks[block] = range;
  }
  return blocks;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
