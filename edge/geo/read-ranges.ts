/**
 * The country or the network of every address in a file of MaxMind's format. The search tree is walked here, each
 * node once; looking address after address up would take minutes of a City file. What a record says the `maxmind`
 * package tells, once for each record.
 */
import {
  type Address,
  addressBits,
  type Cidr,
  formatAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { ASN_UNKNOWN, COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import { asnInRecord, countryInRecord, SPECIAL_PURPOSE_BLOCKS } from "@sluice/contract/policy/geo-records.ts";
import { Reader, type Response } from "maxmind";

export type GeoKind = "country" | "asn";

/** Sorted starts; a range ends where the next one starts, the first one starts at zero. */
export interface Ranges {
  readonly starts: Address[];
  readonly values: number[];
}

export interface GeoData {
  readonly ipv4: Ranges;
  readonly ipv6: Ranges;
  /** What the file says of itself: `GeoLite2-City`. */
  readonly type: string;
  readonly builtAtMs: number;
}

/** What is no sound file of that kind raises an error that says so. */
export function readGeoData(mmdb: Buffer, kind: GeoKind): GeoData {
  const reader = open(mmdb);
  const { metadata } = reader;
  const tree = treeIn(mmdb, reader);
  const numberOf = kind === "country" ? countryIn : asnIn;
  const values = new Map<number, number>();
  const valueAt = (pointer: number, start: Address) => {
    const known = values.get(pointer);
    if (known !== undefined) return known;
    const value = numberOf(reader.get(fullText(start)));
    values.set(pointer, value);
    return value;
  };
  const unknown = numberOf(null);
  const ipv4 = walk(tree, tree.ipv4Root, 4, valueAt, unknown);
  const ipv6 =
    metadata.ipVersion === 6 ? walk(tree, 0, 6, valueAt, unknown) : { starts: [zero(6)], values: [unknown] };
  if (![...values.values()].some((value) => value !== unknown)) {
    throw new Error(
      `holds no ${kind === "asn" ? "network" : "country"} (its type is "${metadata.databaseType}")`,
    );
  }
  for (const text of SPECIAL_PURPOSE_BLOCKS) {
    const block = parseCidr(text) as Cidr;
    carveOut(block.base.family === 4 ? ipv4 : ipv6, block, unknown);
  }
  return { ipv4, ipv6, type: metadata.databaseType, builtAtMs: metadata.buildEpoch.getTime() };
}

/** Two capital letters as one number. */
export function countryNumber(code: string): number {
  return code.charCodeAt(0) * 256 + code.charCodeAt(1);
}

function countryIn(record: Response | null): number {
  return countryNumber(record === null ? COUNTRY_UNKNOWN : countryInRecord(record));
}

function asnIn(record: Response | null): number {
  return record === null ? ASN_UNKNOWN : asnInRecord(record);
}

function open(mmdb: Buffer): Reader<Response> {
  try {
    return new Reader<Response>(mmdb);
  } catch (error) {
    throw new Error(`is no whole file of MaxMind's format (${(error as Error).message})`, { cause: error });
  }
}

interface Tree {
  readonly nodeCount: number;
  readonly ipv4Root: number;
  /** Of a node: where its bit 0 leads, or its bit 1. At or above `nodeCount` it leads to no node. */
  child(node: number, bit: 0 | 1): number;
}

function treeIn(mmdb: Buffer, { metadata }: Reader<Response>): Tree {
  const { nodeCount, recordSize, nodeByteSize, searchTreeSize, ipVersion } = metadata;
  if (searchTreeSize > mmdb.length) throw new Error("is cut short: its search tree is longer than the file");
  const child = childReader(mmdb, recordSize, nodeByteSize);
  let ipv4Root = 0;
  // In a tree of IPv6, IPv4 lies below ::/96.
  for (let depth = 0; ipVersion === 6 && depth < 96 && ipv4Root < nodeCount; depth++) {
    ipv4Root = child(ipv4Root, 0);
  }
  return { nodeCount, ipv4Root, child };
}

function childReader(mmdb: Buffer, recordSize: number, nodeBytes: number): Tree["child"] {
  if (recordSize === 24) return (node, bit) => mmdb.readUIntBE(node * nodeBytes + bit * 3, 3);
  if (recordSize === 32) return (node, bit) => mmdb.readUInt32BE(node * nodeBytes + bit * 4);
  return (node, bit) => {
    const at = node * nodeBytes;
    const middle = mmdb[at + 3] as number;
    const high = bit === 0 ? middle >> 4 : middle & 0x0f;
    return high * 0x1000000 + mmdb.readUIntBE(at + bit * 4, 3);
  };
}

/** A sound tree shows each node once or twice. */
const VISITS_PER_NODE_MAX = 4;

function walk(
  tree: Tree,
  root: number,
  family: 4 | 6,
  valueAt: (pointer: number, start: Address) => number,
  unknown: number,
): Ranges {
  const ranges: Ranges = { starts: [], values: [] };
  const bits = family === 4 ? 32 : 128;
  const visitsMax = tree.nodeCount * VISITS_PER_NODE_MAX;
  let visits = 0;
  const visit = (node: number, depth: number, start: Address): void => {
    if (node >= tree.nodeCount) {
      append(ranges, start, node === tree.nodeCount ? unknown : valueAt(node, start));
      return;
    }
    if (family === 6 && leadsToIpv4(start, depth)) {
      append(ranges, start, unknown);
      return;
    }
    visits += 1;
    if (depth === bits || visits > visitsMax) throw new Error("is damaged: its search tree runs in circles");
    visit(tree.child(node, 0), depth + 1, start);
    visit(tree.child(node, 1), depth + 1, withBit(start, depth));
  };
  visit(root, 0, zero(family));
  return ranges;
}

/**
 * Blocks under which such files have the whole of IPv4: `::/96` and `::ffff:0:0/96`, which no address is looked up in
 * as IPv6, and tunnels, which are in no country.
 */
function leadsToIpv4({ a, b, c }: Address, depth: number): boolean {
  if (depth === 16) return a === 0x2002_0000_0000;
  if (depth === 32) return a === 0x2001_0000_0000;
  return depth === 96 && a === 0 && (b === 0 || b === 0xffff) && c === 0;
}

function append({ starts, values }: Ranges, start: Address, value: number): void {
  if (values.at(-1) === value) return;
  starts.push(start);
  values.push(value);
}

function withBit({ family, a, b, c }: Address, depth: number): Address {
  if (family === 4) return { family, a: a + 2 ** (31 - depth), b, c };
  if (depth < 48) return { family, a: a + 2 ** (47 - depth), b, c };
  if (depth < 96) return { family, a, b: b + 2 ** (95 - depth), c };
  return { family, a, b, c: c + 2 ** (127 - depth) };
}

function zero(family: 4 | 6): Address {
  return { family, a: 0, b: 0, c: 0 };
}

/** IPv6 always with all eight groups: the reader's parser takes a shortened form with IPv4 in it for IPv4. */
function fullText(address: Address): string {
  if (address.family === 4) return formatAddress(address);
  const { a, b, c } = address;
  const digits =
    [a, b].map((limb) => limb.toString(16).padStart(12, "0")).join("") + c.toString(16).padStart(8, "0");
  return (digits.match(/.{4}/g) as string[]).join(":");
}

/** Makes a block unknown, whatever the file says of it; what follows it stays as it was. */
function carveOut({ starts, values }: Ranges, { base, length }: Cidr, unknown: number): void {
  const next = toBigInt(base) + (1n << BigInt(addressBits(base) - length));
  const isLast = next === 1n << BigInt(addressBits(base));
  const end = fromBigInt(next, base.family);
  const from = firstFrom(starts, base);
  const to = isLast ? starts.length : firstFrom(starts, end);
  const startsThere = !isLast && starts[to] !== undefined && compare(starts[to], end) === 0;
  const goesOn = isLast || startsThere ? [] : [end];
  const after = values[to - 1] as number;
  starts.splice(from, to - from, base, ...goesOn);
  values.splice(from, to - from, unknown, ...goesOn.map(() => after));
}

/** Index of the first range that starts at the address or behind it. */
function firstFrom(starts: readonly Address[], address: Address): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(starts[middle] as Address, address) < 0) low = middle + 1;
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

function fromBigInt(value: bigint, family: 4 | 6): Address {
  if (family === 4) return { family, a: Number(value), b: 0, c: 0 };
  return {
    family,
    a: Number(value >> 80n),
    b: Number((value >> 32n) & 0xffffffffffffn),
    c: Number(value & 0xffffffffn),
  };
}
