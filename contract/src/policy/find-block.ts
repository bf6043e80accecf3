import { POWERS_OF_TWO } from "./address.ts";
import {
  type AddressFilter,
  BIT_INDEX,
  HIGHEST_LENGTH,
  LOWEST_LENGTH,
  MIDDLE_WORDS,
  NEAR_WORDS,
  SHORT_FIRST,
} from "./address-filter.ts";
import { FACTOR_1, FACTOR_2, FACTOR_3, FACTOR_4, FACTOR_5, FACTOR_6, FACTOR_7 } from "./block-hash.ts";
import {
  AT_A,
  AT_B,
  AT_EXPIRES_MS,
  AT_LENGTH,
  AT_LOW,
  AT_NEXT,
  type BlockTable,
  type EntryPage,
  LENGTH_MASK,
  NONE,
  RECORD_IPV4,
  RECORD_IPV6,
} from "./block-table.ts";
import type { FlatArray } from "./flat-memory.ts";

/**
 * Lookups, as they stand on the path of every request; they are formed by how LuaJIT compiles.
 *
 * What it compiles first of a path has no loop in it: it gives up where one comes, and after some tries for good, which
 * leaves the whole decision interpreted. So one bit of a filter, read without a loop, answers most requests; and the
 * entry that is most likely looked for, the first of the longest length, is compared without one, so that a flood of
 * listed addresses is compiled like any other. And it compiles each way through branches that follow each other
 * apart, so that a lookup written out length by length became 2,300 traces and 2 µs: the rest is one loop whose turns
 * are of two kinds, a length that is begun and an entry that is compared.
 *
 * Nothing here is called by those who change tables: functions that become hot in loops that run interpreted end on
 * LuaJIT's black list, and a request that calls such a one is not compiled at all.
 *
 * Both return the entry of the longest block that holds the address and has not ended, or `NONE`.
 *
 * @hot
 */
export function findIpv4(blocks: BlockTable, filter: AddressFilter, a: number, nowMs: number): number {
  if (blocks.size === 0) return NONE;
  if (filter.rows !== 1 && !filter.isWide) {
    const word = filter.near[Math.floor(a / 8192)] as number;
    if (((word >> (Math.floor(a / 256) & 31)) & 1) === 0) return NONE;
  }
  const lengths = filter.lengths[Math.floor(a / 16384) & (filter.rows - 1)] as number;
  let rest = lengths;
  if (lengths !== 0) {
    const length = 32 - (BIT_INDEX[(lengths & -lengths) % 37] as number);
    const base = a - (a % (POWERS_OF_TWO[32 - length] as number));
    const link = linkOf(blocks, hashIpv4(base, length));
    if (link === 0) {
      rest = lengths & (lengths - 1);
    } else {
      const page = blocks.pages[(link - 1) >> blocks.pageBits] as EntryPage;
      const at = ((link - 1) & blocks.pageMask) * RECORD_IPV4;
      if (isIpv4(page, at, base, length) && isLive(page, at, nowMs)) return link - 1;
    }
  }
  if (rest === 0 && !filter.isWide) return NONE;
  return searchIpv4(blocks, filter, a, rest, nowMs);
}

/** @hot */
export function findIpv6(
  blocks: BlockTable,
  filter: AddressFilter,
  a: number,
  b: number,
  c: number,
  nowMs: number,
): number {
  if (blocks.size === 0) return NONE;
  const mixed32 = Math.floor(a / 65536) * 40_503;
  const hash32 = (mixed32 & 0x7fffffff) ^ Math.floor(mixed32 / 65536);
  if (filter.rows !== 1 && !filter.isWide) {
    const mixed = ((a & 0xffffff) * FACTOR_1) ^ (Math.floor(a / 16777216) * FACTOR_2);
    const hash = mixed ^ (mixed >> 13);
    const near = (filter.near[(hash >> 5) & (NEAR_WORDS - 1)] as number) >> (hash & 31);
    const middle = (filter.middle[(hash32 >> 5) & (MIDDLE_WORDS - 1)] as number) >> (hash32 & 31);
    const short = filter.lengths[Math.floor(a / 4294967296)] as number;
    if (((near & 1) | (middle & 1) | short) === 0) return NONE;
  }
  const lengths = filter.longLengths[hash32 & (filter.longRows - 1)] as number;
  let rest = lengths;
  if (lengths !== 0) {
    const place = BIT_INDEX[(lengths & -lengths) % 37] as number;
    const length = HIGHEST_LENGTH[place] as number;
    const baseA = firstLimb(a, length);
    const baseB = secondLimb(b, length);
    const baseC = lastLimb(c, length);
    const link = linkOf(blocks, hashIpv6(baseA, baseB, baseC, length));
    if (link === 0 && LOWEST_LENGTH[place] === length) {
      rest = lengths & (lengths - 1);
    } else if (link !== 0) {
      const page = blocks.pages[(link - 1) >> blocks.pageBits] as EntryPage;
      const at = ((link - 1) & blocks.pageMask) * RECORD_IPV6;
      if (isIpv6(page, at, baseA, baseB, baseC, length) && isLive(page, at, nowMs)) return link - 1;
    }
  }
  if (rest === 0 && !filter.isWide) {
    const short = filter.lengths[Math.floor(a / 4294967296) & (filter.rows - 1)] as number;
    if (short === 0) return NONE;
  }
  return searchIpv6(blocks, filter, a, b, c, rest, nowMs);
}

/** @hot */
function searchIpv4(
  blocks: BlockTable,
  filter: AddressFilter,
  address: number,
  lengths: number,
  nowMs: number,
): number {
  let word = lengths;
  let length = filter.isWide ? 2 : 0;
  let a = 0;
  let link = 0;
  for (;;) {
    if (link !== 0) {
      const page = blocks.pages[(link - 1) >> blocks.pageBits] as EntryPage;
      const at = ((link - 1) & blocks.pageMask) * RECORD_IPV4;
      if (isIpv4(page, at, a, length)) {
        if (isLive(page, at, nowMs)) return link - 1;
        link = 0;
      } else {
        link = page.words[at * 2 + AT_NEXT] as number;
      }
    } else {
      if (word !== 0) {
        length = 32 - (BIT_INDEX[(word & -word) % 37] as number);
        word = word & (word - 1);
      } else {
        // 1 and 0 come last, where they may be there.
        length = filter.isWide && length > 0 ? (length > 1 ? 1 : 0) : -1;
        if (length < 0) return NONE;
      }
      a = length === 0 ? 0 : address - (address % (POWERS_OF_TWO[32 - length] as number));
      link = linkOf(blocks, hashIpv4(a, length));
    }
  }
}

/** @hot */
function searchIpv6(
  blocks: BlockTable,
  filter: AddressFilter,
  addressA: number,
  addressB: number,
  addressC: number,
  lengths: number,
  nowMs: number,
): number {
  let word = lengths;
  let first = 0;
  let length = 2;
  let lowest = 2;
  let a = 0;
  let b = 0;
  let c = 0;
  let link = 0;
  for (;;) {
    if (link !== 0) {
      const page = blocks.pages[(link - 1) >> blocks.pageBits] as EntryPage;
      const at = ((link - 1) & blocks.pageMask) * RECORD_IPV6;
      if (isIpv6(page, at, a, b, c, length)) {
        if (isLive(page, at, nowMs)) return link - 1;
        link = 0;
      } else {
        link = page.words[at * 2 + AT_NEXT] as number;
      }
    } else {
      if (word === 0 && first === 0 && length <= lowest) {
        first = SHORT_FIRST;
        word = filter.lengths[Math.floor(addressA / 4294967296) & (filter.rows - 1)] as number;
      }
      if (length > lowest) {
        // Those that share a bit follow each other.
        length = length - 1;
      } else if (word !== 0) {
        const place = first + (BIT_INDEX[(word & -word) % 37] as number);
        length = HIGHEST_LENGTH[place] as number;
        lowest = LOWEST_LENGTH[place] as number;
        word = word & (word - 1);
      } else {
        length = filter.isWide && length > 0 ? (length > 1 ? 1 : 0) : -1;
        if (length < 0) return NONE;
      }
      a = firstLimb(addressA, length);
      b = secondLimb(addressB, length);
      c = lastLimb(addressC, length);
      link = linkOf(blocks, hashIpv6(a, b, c, length));
    }
  }
}

/** @hot */
function isIpv4(page: EntryPage, at: number, a: number, length: number): boolean {
  return (
    page.words[at * 2 + AT_LOW] === a && ((page.words[at * 2 + AT_LENGTH] as number) & LENGTH_MASK) === length
  );
}

/** @hot */
function isIpv6(page: EntryPage, at: number, a: number, b: number, c: number, length: number): boolean {
  return (
    page.doubles[at + AT_A] === a &&
    page.doubles[at + AT_B] === b &&
    page.words[at * 2 + AT_LOW] === c &&
    ((page.words[at * 2 + AT_LENGTH] as number) & LENGTH_MASK) === length
  );
}

/** @hot */
function isLive(page: EntryPage, at: number, nowMs: number): boolean {
  const endMs = page.doubles[at + AT_EXPIRES_MS] as number;
  return endMs === 0 || nowMs < endMs;
}

// What a prefix of that length leaves of the limbs of an IPv6 address.

/** @hot */
function firstLimb(a: number, length: number): number {
  return length >= 48 ? a : a - (a % (POWERS_OF_TWO[48 - length] as number));
}

/** @hot */
function secondLimb(b: number, length: number): number {
  if (length <= 48) return 0;
  return length >= 96 ? b : b - (b % (POWERS_OF_TWO[96 - length] as number));
}

/** @hot */
function lastLimb(c: number, length: number): number {
  return length <= 96 ? 0 : c - (c % (POWERS_OF_TWO[128 - length] as number));
}

/** @hot */
function hashIpv4(a: number, length: number): number {
  const mixed = ((a & 0xffff) * FACTOR_1) ^ (Math.floor(a / 65536) * FACTOR_2) ^ (length * FACTOR_3);
  return (mixed ^ (mixed >> 11) ^ (mixed >> 19)) & 0x7fffffff;
}

/** @hot */
function hashIpv6(a: number, b: number, c: number, length: number): number {
  const mixed =
    ((a & 0xffffff) * FACTOR_1) ^
    (Math.floor(a / 16777216) * FACTOR_2) ^
    ((b & 0xffffff) * FACTOR_4) ^
    (Math.floor(b / 16777216) * FACTOR_5) ^
    ((c & 0xffff) * FACTOR_6) ^
    (Math.floor(c / 65536) * FACTOR_7) ^
    (length * FACTOR_3);
  return (mixed ^ (mixed >> 11) ^ (mixed >> 19)) & 0x7fffffff;
}

/**
 * What the bucket of the hash holds: 1 + its first entry.
 *
 * @hot
 */
function linkOf(blocks: BlockTable, hash: number): number {
  const near = hash & (blocks.base - 1);
  const bucket = near < blocks.split ? hash & (blocks.base * 2 - 1) : near;
  return (blocks.buckets[bucket >> blocks.pageBits] as FlatArray)[bucket & blocks.pageMask] as number;
}
