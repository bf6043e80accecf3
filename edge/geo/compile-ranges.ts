/**
 * Compiles the country of every address in a MaxMind-format file into the table that the edge searches (its
 * layout is in `edge/src/geo/range-table.ts`).
 *
 *     node edge/geo/compile-ranges.ts <country.mmdb> <out>
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import {
  type Address,
  addressBits,
  type Cidr,
  formatAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { countryInRecord, SPECIAL_PURPOSE_BLOCKS } from "@sluice/contract/policy/country.ts";
import { COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import { Reader, type Response } from "maxmind";

export interface Range {
  start: Address;
  country: string;
}

export interface CountryRanges {
  ipv4: Range[];
  ipv6: Range[];
}

export function compileRanges(mmdbFile: string, outFile: string): { ipv4: number; ipv6: number } {
  const ranges = readRanges(readFileSync(mmdbFile));
  const partial = `${outFile}.partial`;
  writeFileSync(partial, encodeRanges(ranges));
  renameSync(partial, outFile);
  return { ipv4: ranges.ipv4.length, ipv6: ranges.ipv6.length };
}

export function readRanges(mmdb: Buffer): CountryRanges {
  // One object for each record that is the same: the file repeats a few hundred countries a million times.
  const decoded = new Map<string | number, object>();
  const cache = {
    get: (key: string | number) => decoded.get(key),
    set: (key: string | number, value: object) => void decoded.set(key, value),
  };
  const reader = new Reader<Response>(mmdb, { cache } as ConstructorParameters<typeof Reader>[1]);
  const ranges = { ipv4: ipv4Ranges(reader), ipv6: ipv6Ranges(reader) };
  for (const text of SPECIAL_PURPOSE_BLOCKS) {
    const block = parseCidr(text) as Cidr;
    carveOut(block.base.family === 4 ? ranges.ipv4 : ranges.ipv6, block);
  }
  return ranges;
}

/** Makes a block unknown, whatever the file says of it; what follows it stays as it was. */
function carveOut(ranges: Range[], { base, length }: Cidr): void {
  const next = toBigInt(base) + (1n << BigInt(addressBits(base) - length));
  const end = base.family === 4 ? ipv4Address(next) : ipv6Address(next);
  const from = firstFrom(ranges, base);
  const to = firstFrom(ranges, end);
  const carved: Range[] = [{ start: base, country: COUNTRY_UNKNOWN }];
  const isLast = next === 1n << BigInt(addressBits(base));
  const startsThere = ranges[to] !== undefined && compare(ranges[to].start, end) === 0;
  if (!isLast && !startsThere) carved.push({ start: end, country: (ranges[to - 1] as Range).country });
  ranges.splice(from, to - from, ...carved);
}

/** Index of the first range that starts at the address or behind it. */
function firstFrom(ranges: readonly Range[], address: Address): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare((ranges[middle] as Range).start, address) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(one: Address, other: Address): number {
  return one.a - other.a || one.b - other.b || one.c - other.c;
}

function toBigInt({ family, a, b, c }: Address): bigint {
  return family === 4 ? BigInt(a) : (BigInt(a) << 80n) | (BigInt(b) << 32n) | BigInt(c);
}

function ipv4Address(value: bigint): Address {
  return { family: 4, a: Number(value), b: 0, c: 0 };
}

function ipv4Ranges(reader: Reader<Response>): Range[] {
  const ranges: Range[] = [];
  let at = 0;
  while (at < 2 ** 32) {
    const start: Address = { family: 4, a: at, b: 0, c: 0 };
    const [record, length] = reader.getWithPrefixLength(formatAddress(start));
    append(ranges, start, countryInRecord(record));
    at += 2 ** (32 - length);
  }
  return ranges;
}

/**
 * `::/96` holds the IPv4 tree once more; addresses there are deprecated (RFC 4291, 2.5.5.1) and no client has
 * one, so it stays unknown.
 */
function ipv6Ranges(reader: Reader<Response>): Range[] {
  const ranges: Range[] = [{ start: { family: 6, a: 0, b: 0, c: 0 }, country: COUNTRY_UNKNOWN }];
  let at = 1n << 32n;
  const end = 1n << 128n;
  while (at < end) {
    const start = ipv6Address(at);
    const [record, length] = reader.getWithPrefixLength(formatIpv6(at));
    append(ranges, start, countryInRecord(record));
    const size = 1n << BigInt(128 - length);
    at = at - (at % size) + size;
  }
  return ranges;
}

function append(ranges: Range[], start: Address, country: string): void {
  if (ranges.at(-1)?.country !== country) ranges.push({ start, country });
}

function ipv6Address(value: bigint): Address {
  return {
    family: 6,
    a: Number(value >> 80n),
    b: Number((value >> 32n) & 0xffffffffffffn),
    c: Number(value & 0xffffffffn),
  };
}

/** Always all eight groups: the reader's parser takes a shortened form with IPv4 in it for IPv4. */
function formatIpv6(value: bigint): string {
  const digits = value.toString(16).padStart(32, "0");
  return (digits.match(/.{4}/g) as string[]).join(":");
}

export function encodeRanges({ ipv4, ipv6 }: CountryRanges): Buffer {
  const countries = [...new Set([...ipv4, ...ipv6].map((range) => range.country))].sort();
  const indexes = new Map(countries.map((country, index) => [country, index]));
  const indexOf = (range: Range) => indexes.get(range.country) as number;
  const header = Buffer.alloc(24);
  header.write("SLGEO1\n\0", "latin1");
  header.writeUInt32LE(ipv4.length, 8);
  header.writeUInt32LE(ipv6.length, 12);
  header.writeUInt32LE(countries.length, 16);
  return Buffer.concat([
    header,
    bytesOf(Float64Array.from(ipv6, (range) => range.start.a)),
    bytesOf(Float64Array.from(ipv6, (range) => range.start.b)),
    bytesOf(Uint32Array.from(ipv6, (range) => range.start.c)),
    bytesOf(Uint32Array.from(ipv4, (range) => range.start.a)),
    bytesOf(Uint16Array.from(ipv6, indexOf)),
    bytesOf(Uint16Array.from(ipv4, indexOf)),
    Buffer.from(countries.join(""), "latin1"),
  ]);
}

/** Padded to a multiple of 8. Little endian, as every machine that nginx runs on. */
function bytesOf(array: Float64Array | Uint32Array | Uint16Array): Buffer {
  const padded = Buffer.alloc(Math.ceil(array.byteLength / 8) * 8);
  padded.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return padded;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [mmdbFile, outFile] = process.argv.slice(2);
  if (mmdbFile === undefined || outFile === undefined) {
    console.error("usage: compile-ranges.ts <country.mmdb> <out>");
    process.exitCode = 2;
  } else {
    const { ipv4, ipv6 } = compileRanges(mmdbFile, outFile);
    console.log(`${outFile}: ${ipv4} IPv4 and ${ipv6} IPv6 ranges`);
  }
}
