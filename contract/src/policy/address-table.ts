import { type Address, type Cidr, maskLimb } from "./address.ts";

/**
 * A set of CIDR blocks with end times, for lookups on the request path and changes one at a time.
 *
 * One hash per prefix length that occurs: a lookup probes each, longest first, without allocating. Real
 * lists use few lengths, so this is a handful of probes whatever the number of entries, and adding or
 * removing an entry costs the same as a lookup. A sorted range table would save memory and need rebuilding
 * at each change.
 */
export interface AddressTable {
  /** Prefix lengths in use, descending, and beside each the blocks of that length. */
  ipv4Lengths: number[];
  ipv4: Ipv4Blocks[];
  ipv6Lengths: number[];
  ipv6: Ipv6Blocks[];
  /** Number of blocks. */
  size: number;
}

export interface TableEntry {
  id: number;
  /** Unix time in milliseconds after which the entry is void; 0 for never. */
  expiresAtMs: number;
}

/** Keyed by the block's first address. */
type Ipv4Blocks = Record<number, TableEntry | undefined>;
/** Keyed by the three limbs of the block's first address. */
type Ipv6Blocks = Record<number, Record<number, Ipv4Blocks | undefined> | undefined>;

export function createAddressTable(): AddressTable {
  return { ipv4Lengths: [], ipv4: [], ipv6Lengths: [], ipv6: [], size: 0 };
}

/** Adds the block or replaces its entry. */
export function setBlock(addresses: AddressTable, cidr: Cidr, entry: TableEntry): void {
  const innermost =
    cidr.base.family === 4
      ? blocksOf(addresses.ipv4Lengths, addresses.ipv4, cidr.length)
      : ipv6Branch(blocksOf(addresses.ipv6Lengths, addresses.ipv6, cidr.length), cidr.base);
  const key = innermostKey(cidr.base);
  if (innermost[key] === undefined) addresses.size += 1;
  innermost[key] = entry;
}

/** Removes the block; a block that is not there is no error. */
export function removeBlock(addresses: AddressTable, cidr: Cidr): void {
  const innermost =
    cidr.base.family === 4
      ? blocksOf(addresses.ipv4Lengths, addresses.ipv4, cidr.length)
      : ipv6Branch(blocksOf(addresses.ipv6Lengths, addresses.ipv6, cidr.length), cidr.base);
  const key = innermostKey(cidr.base);
  if (innermost[key] === undefined) return;
  delete innermost[key];
  addresses.size -= 1;
}

/** The entry of exactly this block, whether it has ended or not. */
export function getBlock(addresses: AddressTable, cidr: Cidr): TableEntry | undefined {
  const base = cidr.base;
  if (base.family === 4) {
    const at = addresses.ipv4Lengths.indexOf(cidr.length);
    return at === -1 ? undefined : (addresses.ipv4[at] as Ipv4Blocks)[base.a];
  }
  const at = addresses.ipv6Lengths.indexOf(cidr.length);
  return at === -1 ? undefined : (addresses.ipv6[at] as Ipv6Blocks)[base.a]?.[base.b]?.[base.c];
}

/**
 * The longest block that holds the address and has not ended at `nowMs`.
 *
 * @hot
 */
export function findBlock(addresses: AddressTable, address: Address, nowMs: number): TableEntry | undefined {
  if (address.family === 4) return findIpv4Block(addresses, address.a, nowMs);
  const lengths = addresses.ipv6Lengths;
  for (let i = 0; i < lengths.length; i++) {
    const entry = findIpv6(addresses.ipv6[i] as Ipv6Blocks, lengths[i] as number, address);
    if (entry !== undefined && isLive(entry, nowMs)) return entry;
  }
  return undefined;
}

/**
 * Real lists use two or three lengths. These are probed without a loop, because LuaJIT compiles no function as a
 * whole that has a loop inside, and this one stands on the path of every request.
 *
 * @hot
 */
function findIpv4Block(addresses: AddressTable, address: number, nowMs: number): TableEntry | undefined {
  const count = addresses.ipv4Lengths.length;
  if (count === 0) return undefined;
  let entry = probeIpv4(addresses, 0, address, nowMs);
  if (entry !== undefined || count === 1) return entry;
  entry = probeIpv4(addresses, 1, address, nowMs);
  if (entry !== undefined || count === 2) return entry;
  entry = probeIpv4(addresses, 2, address, nowMs);
  if (entry !== undefined || count === 3) return entry;
  for (let i = 3; i < count; i++) {
    entry = probeIpv4(addresses, i, address, nowMs);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** @hot */
function probeIpv4(
  addresses: AddressTable,
  at: number,
  address: number,
  nowMs: number,
): TableEntry | undefined {
  const blocks = addresses.ipv4[at] as Ipv4Blocks;
  const entry = blocks[maskLimb(address, 32, addresses.ipv4Lengths[at] as number)];
  return entry !== undefined && isLive(entry, nowMs) ? entry : undefined;
}

function isLive(entry: TableEntry, nowMs: number): boolean {
  return entry.expiresAtMs === 0 || nowMs < entry.expiresAtMs;
}

/** @hot */
function findIpv6(blocks: Ipv6Blocks, length: number, address: Address): TableEntry | undefined {
  const second = blocks[maskLimb(address.a, 48, length)];
  if (second === undefined) return undefined;
  const third = second[maskLimb(address.b, 48, length - 48)];
  if (third === undefined) return undefined;
  return third[maskLimb(address.c, 32, length - 96)];
}

function innermostKey(base: Address): number {
  return base.family === 4 ? base.a : base.c;
}

function ipv6Branch(blocks: Ipv6Blocks, base: Address): Ipv4Blocks {
  let second = blocks[base.a];
  if (second === undefined) {
    second = {};
    blocks[base.a] = second;
  }
  let third = second[base.b];
  if (third === undefined) {
    third = {};
    second[base.b] = third;
  }
  return third;
}

/** The blocks of that length, made when there are none yet; keeps lengths descending. */
function blocksOf<Blocks extends object>(lengths: number[], blocks: Blocks[], length: number): Blocks {
  let at = 0;
  while (at < lengths.length && (lengths[at] as number) > length) at += 1;
  if (lengths[at] === length) return blocks[at] as Blocks;
  const made = {} as Blocks;
  lengths.splice(at, 0, length);
  blocks.splice(at, 0, made);
  return made;
}
