import type { Address } from "./address.ts";
import { FACTOR_1, FACTOR_2 } from "./block-hash.ts";
import { allocateFlat, type FlatArray } from "./flat-memory.ts";

/**
 * What can be said about an address without asking a table of blocks. `near` answers most requests by one bit:
 * nothing around it is listed. `lengths` says which prefix lengths occur around it, so that what is left asks the
 * table for those only: in lists of a million blocks of all lengths a few of 33 or 129.
 *
 * Lengths are bits of a word, the longest in the lowest bit. Lengths 0 and 1 are in no word: `isWide` says that one
 * was there, and then they are asked for. What a filter says no to isn't there; what it says yes to may be gone.
 */
export interface AddressFilter {
  readonly family: 4 | 6;
  /** A power of two. With one row there is no telling apart by address, for sets of a few blocks. */
  readonly rows: number;
  /** By the first 16 bits: lengths 2 to 32, bits 30 to 0. */
  readonly lengths: FlatArray;
  /** IPv6, by a hash of the first 32 bits: four words of 24, lengths 128 to 105, 104 to 81, 80 to 57, 56 to 33. */
  readonly longLengths: FlatArray;
  /** A bit for each /24 of IPv4. IPv6: for a hash of each /48, blocks of 48 and longer. Empty with one row. */
  readonly near: FlatArray;
  /** IPv6: a bit for a hash of each /32, blocks of 33 to 47. */
  readonly middle: FlatArray;
  isWide: boolean;
}

export const NEAR_WORDS = 524_288;
export const MIDDLE_WORDS = 32_768;

export function createAddressFilter(family: 4 | 6, rows: number): AddressFilter {
  const isIpv6 = family === 6;
  return {
    family,
    rows,
    lengths: allocateFlat("uint32", rows),
    longLengths: allocateFlat("uint32", isIpv6 ? rows * 4 : 1),
    near: allocateFlat("uint32", rows === 1 ? 1 : NEAR_WORDS),
    middle: allocateFlat("uint32", rows === 1 || !isIpv6 ? 1 : MIDDLE_WORDS),
    isWide: false,
  };
}

export function addToFilter(filter: AddressFilter, base: Address, length: number): void {
  if (length <= 1) {
    filter.isWide = true;
    return;
  }
  if (length > 32) {
    const distance = 128 - length;
    const far = longRow(base.a, filter.rows) + Math.floor(distance / 24);
    addFlag(filter.longLengths, far, 2 ** (distance % 24));
  } else {
    // A block shorter than 16 bits lies around all the rows that it covers.
    const covered = length < 16 ? 2 ** (16 - length) : 1;
    const first = base.family === 4 ? Math.floor(base.a / 65536) : Math.floor(base.a / 4294967296);
    const count = Math.min(covered, filter.rows);
    for (let i = 0; i < count; i++)
      addFlag(filter.lengths, (first + i) & (filter.rows - 1), 2 ** (32 - length));
  }
  if (filter.rows === 1) return;
  if (base.family === 4) addNetworks(filter.near, base.a, length);
  else if (length >= 48) addHashed(filter.near, nearHash(base.a), NEAR_WORDS);
  else if (length > 32) addHashed(filter.middle, middleHash(base.a), MIDDLE_WORDS);
}

/** The /24 networks of a block, 32 to a word. */
function addNetworks(near: FlatArray, a: number, length: number): void {
  const first = Math.floor(a / 256);
  const count = length < 24 ? 2 ** (24 - length) : 1;
  if (count < 32) {
    for (let i = 0; i < count; i++) addFlag(near, Math.floor(first / 32), 2 ** ((first + i) % 32));
    return;
  }
  for (let i = 0; i < count / 32; i++) near[first / 32 + i] = 0xffffffff;
}

function addHashed(words: FlatArray, hash: number, count: number): void {
  addFlag(words, (hash >> 5) & (count - 1), 2 ** (hash & 31));
}

function addFlag(words: FlatArray, at: number, flag: number): void {
  const word = words[at] as number;
  if (Math.floor(word / flag) % 2 === 0) words[at] = word + flag;
}

// For those who change filters; `find-block.ts` says why it has these lines once more.

function longRow(a: number, rows: number): number {
  const first32 = Math.floor(a / 65536);
  return ((((first32 & 0xffff) * 40_503) ^ Math.floor(first32 / 65536)) & (rows - 1)) * 4;
}

function nearHash(a: number): number {
  const mixed = ((a & 0xffffff) * FACTOR_1) ^ (Math.floor(a / 16777216) * FACTOR_2);
  return mixed ^ (mixed >> 13);
}

function middleHash(a: number): number {
  const mixed = Math.floor(a / 65536) * 40_503;
  return (mixed & 0x7fffffff) ^ Math.floor(mixed / 65536);
}

/** Bits by their value: 2^i modulo 37 differs for all i, as 2 is a primitive root. */
export const BIT_INDEX = allocateFlat("uint8", 37);
for (let i = 0; i <= 30; i++) BIT_INDEX[2 ** i % 37] = i;
