import type { Address, Cidr } from "./address.ts";
import { type AddressFilter, addToFilter, createAddressFilter } from "./address-filter.ts";
import {
  AT_A,
  AT_B,
  AT_EXPIRES_MS,
  AT_ID,
  AT_LOW,
  AT_VERSION,
  addEntry,
  type BlockTable,
  createBlockTable,
  doubleOf,
  entryOf,
  freeEntry,
  lengthOf,
  NONE,
  pageOf,
  placeOf,
  setRound,
  wordOf,
} from "./block-table.ts";
import { findIpv4, findIpv6 } from "./find-block.ts";

/**
 * A set of CIDR blocks with end times, for lookups on the request path and changes one at a time, of which none has
 * to wait for the table to be rebuilt. A block is a key of a hash (`block-table.ts`) under its length; a lookup
 * asks for the lengths that occur around the address (`address-filter.ts`), the longest first.
 *
 * An entry's handle is a number, good until the entry is removed.
 */
export interface AddressTable {
  readonly ipv4: BlockTable;
  ipv4Filter: AddressFilter;
  readonly ipv6: BlockTable;
  ipv6Filter: AddressFilter;
  /** While filters are made anew from what is held, see `table-upkeep.ts`. */
  renewed: RenewedFilters | undefined;
  /** What is set now is marked with it, see `table-upkeep.ts`. */
  round: number;
}

export interface RenewedFilters {
  readonly ipv4: AddressFilter;
  readonly ipv6: AddressFilter;
}

export { NONE };

/** Handles of IPv6 entries begin here. */
export const IPV6_FIRST = 4_294_967_296;
const PAGE_BITS_MAX = 12;

/** Room for millions of blocks, unless it is said that there will be few. */
export function createAddressTable(blocksMax?: number): AddressTable {
  const isLarge = blocksMax === undefined;
  let pageBits = isLarge ? PAGE_BITS_MAX : 0;
  if (!isLarge) while (2 ** pageBits < blocksMax && pageBits < PAGE_BITS_MAX) pageBits += 1;
  return {
    ipv4: createBlockTable(false, pageBits),
    ipv4Filter: createAddressFilter(4, isLarge),
    ipv6: createBlockTable(true, pageBits),
    ipv6Filter: createAddressFilter(6, isLarge),
    renewed: undefined,
    round: 0,
  };
}

/** Blocks in the table, those that have ended too. */
export function sizeOf(addresses: AddressTable): number {
  return addresses.ipv4.size + addresses.ipv6.size;
}

/** Adds the block or replaces what is known of it. `expiresAtMs`: when it ends, Unix time; 0 for never. */
export function setBlock(
  addresses: AddressTable,
  { base, length }: Cidr,
  id: number,
  version: number,
  expiresAtMs: number,
): void {
  const blocks = base.family === 4 ? addresses.ipv4 : addresses.ipv6;
  let entry = entryOf(blocks, base, length);
  if (entry === NONE) {
    entry = addEntry(blocks, base, length);
    addToFilter(base.family === 4 ? addresses.ipv4Filter : addresses.ipv6Filter, base, length);
    const { renewed } = addresses;
    if (renewed !== undefined) addToFilter(base.family === 4 ? renewed.ipv4 : renewed.ipv6, base, length);
  }
  const { doubles, words } = pageOf(blocks, entry);
  const at = placeOf(blocks, entry);
  doubles[at + AT_EXPIRES_MS] = expiresAtMs;
  doubles[at + AT_ID] = id;
  words[at * 2 + AT_VERSION] = version;
  setRound(blocks, entry, addresses.round);
}

/** Removes the block; a block that is not there is no error. */
export function removeBlock(addresses: AddressTable, { base, length }: Cidr): void {
  const blocks = base.family === 4 ? addresses.ipv4 : addresses.ipv6;
  const entry = entryOf(blocks, base, length);
  if (entry !== NONE) freeEntry(blocks, entry);
}

/** The handle of exactly this block, whether it has ended or not; `NONE` when it isn't there. */
export function getBlock(addresses: AddressTable, { base, length }: Cidr): number {
  if (base.family === 4) return entryOf(addresses.ipv4, base, length);
  const entry = entryOf(addresses.ipv6, base, length);
  return entry === NONE ? NONE : entry + IPV6_FIRST;
}

/**
 * The handle of the longest block that holds the address and has not ended at `nowMs`, or `NONE`.
 *
 * @hot
 */
export function findBlock(addresses: AddressTable, address: Address, nowMs: number): number {
  if (address.family === 4) {
    return findIpv4(addresses.ipv4, addresses.ipv4Filter, address.a, nowMs);
  }
  const { a, b, c } = address;
  const entry = findIpv6(addresses.ipv6, addresses.ipv6Filter, a, b, c, nowMs);
  return entry === NONE ? NONE : entry + IPV6_FIRST;
}

export function idAt(addresses: AddressTable, handle: number): number {
  return doubleOf(blocksAt(addresses, handle), entryAt(handle), AT_ID);
}

export function versionAt(addresses: AddressTable, handle: number): number {
  return wordOf(blocksAt(addresses, handle), entryAt(handle), AT_VERSION);
}

export function expiresAtMsAt(addresses: AddressTable, handle: number): number {
  return doubleOf(blocksAt(addresses, handle), entryAt(handle), AT_EXPIRES_MS);
}

export function cidrAt(addresses: AddressTable, handle: number): Cidr {
  const blocks = blocksAt(addresses, handle);
  const entry = entryAt(handle);
  const length = lengthOf(blocks, entry);
  const low = wordOf(blocks, entry, AT_LOW);
  if (!blocks.wide) return { base: { family: 4, a: low, b: 0, c: 0 }, length };
  const [a, b] = [doubleOf(blocks, entry, AT_A), doubleOf(blocks, entry, AT_B)];
  return { base: { family: 6, a, b, c: low }, length };
}

/** Where an entry of that handle lies, and as which one. */
export function blocksAt(addresses: AddressTable, handle: number): BlockTable {
  return handle < IPV6_FIRST ? addresses.ipv4 : addresses.ipv6;
}

export function entryAt(handle: number): number {
  return handle < IPV6_FIRST ? handle : handle - IPV6_FIRST;
}
