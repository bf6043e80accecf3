import type { Address } from "./address.ts";
import { FACTOR_1, FACTOR_2 } from "./block-hash.ts";
import { allocateFlat, type FlatArray } from "./flat-memory.ts";

/**
 * What can be said about an address without asking a table of blocks. `near` answers most requests by one bit:
 * nothing around it is listed. `lengths` says which prefix lengths occur around it, so that what is left asks the
 * table for those only: in lists of a million blocks of all lengths a few of 33 or 129.
 *
 * Lengths are bits of a word, the longest in the lowest bit; of the long ones of IPv6 those that lists seldom have
 * share a bit, and are all asked for. Lengths 0 and 1 are in no word: `isWide` says that one was there. What a filter
 * says no to isn't there; what it says yes to may be gone.
 */
export interface AddressFilter {
  readonly family: 4 | 6;
  /** A power of two. With one row there is no telling apart by address, for sets of a few blocks. */
  readonly rows: number;
  /** By the first 18 bits of IPv4, 16 of IPv6: lengths 2 to 32, bits 30 to 0. */
  readonly lengths: FlatArray;
  /** IPv6, by the same hash of the first 32 bits as `middle`: lengths 128 to 33, see `LONG_LENGTHS`. */
  readonly longLengths: FlatArray;
  /** A power of two. */
  readonly longRows: number;
  /** A bit for each /24 of IPv4. IPv6: for a hash of each /48, blocks of 48 and longer. Empty with one row. */
  readonly near: FlatArray;
  /** IPv6: a bit for a hash of each /32, blocks of 33 to 47. */
  readonly middle: FlatArray;
  isWide: boolean;
}

export const NEAR_WORDS = 524_288;
export const MIDDLE_WORDS = 32_768;

const ROW_BITS_IPV4 = 18;
const ROW_BITS_IPV6 = 16;
const LONG_ROWS = 262_144;

/** For few blocks, or for up to millions. */
export function createAddressFilter(family: 4 | 6, isLarge: boolean): AddressFilter {
  const isIpv6 = family === 6;
  const rows = isLarge ? 2 ** rowBitsOf(family) : 1;
  const longRows = isLarge && isIpv6 ? LONG_ROWS : 1;
  return {
    family,
    rows,
    lengths: allocateFlat("uint32", rows),
    longLengths: allocateFlat("uint32", longRows),
    longRows,
    near: allocateFlat("uint32", isLarge ? NEAR_WORDS : 1),
    middle: allocateFlat("uint32", isLarge && isIpv6 ? MIDDLE_WORDS : 1),
    isWide: false,
  };
}

function rowBitsOf(family: 4 | 6): number {
  return family === 4 ? ROW_BITS_IPV4 : ROW_BITS_IPV6;
}

export function addToFilter(filter: AddressFilter, base: Address, length: number): void {
  if (length <= 1) {
    filter.isWide = true;
    return;
  }
  if (length > 32) {
    addFlag(filter.longLengths, middleHash(base.a) & (filter.longRows - 1), 2 ** bitOf(length));
  } else {
    // A block shorter than the rows are lies around all that it covers.
    const bits = rowBitsOf(base.family);
    const covered = length < bits ? 2 ** (bits - length) : 1;
    const first = Math.floor(base.a / 2 ** ((base.family === 4 ? 32 : 48) - bits));
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

/** What a bit of `longLengths` stands for, the lowest first: the longest length and the shortest. */
const LONG_LENGTHS: readonly [highest: number, lowest: number][] = [
  [128, 128],
  [127, 121],
  [120, 120],
  [119, 113],
  [112, 112],
  [111, 97],
  [96, 96],
  [95, 81],
  [80, 80],
  [79, 73],
  [72, 72],
  [71, 65],
  [64, 64],
  [63, 63],
  [62, 62],
  [61, 61],
  [60, 60],
  [59, 57],
  [56, 56],
  [55, 53],
  [52, 52],
  [51, 49],
  [48, 48],
  [47, 45],
  [44, 44],
  [43, 41],
  [40, 40],
  [39, 37],
  [36, 36],
  [35, 33],
];

function bitOf(length: number): number {
  let place = 0;
  while ((LONG_LENGTHS[place] as [number, number])[1] > length) place += 1;
  return place;
}

/** By the bit of a word of `longLengths`; and from `SHORT_FIRST` on by that of a word of `lengths`. */
export const HIGHEST_LENGTH = allocateFlat("uint8", 64);
export const LOWEST_LENGTH = allocateFlat("uint8", 64);
export const SHORT_FIRST = 32;
for (let place = 0; place < LONG_LENGTHS.length; place++) {
  const [highest, lowest] = LONG_LENGTHS[place] as [number, number];
  HIGHEST_LENGTH[place] = highest;
  LOWEST_LENGTH[place] = lowest;
}
for (let place = 0; place <= 30; place++) {
  HIGHEST_LENGTH[SHORT_FIRST + place] = 32 - place;
  LOWEST_LENGTH[SHORT_FIRST + place] = 32 - place;
}
