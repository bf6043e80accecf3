import { POWERS_OF_TWO } from "./address.ts";
import { type AddressFilter, BIT_INDEX, MIDDLE_WORDS, NEAR_WORDS } from "./address-filter.ts";
import { FACTOR_1, FACTOR_2, FACTOR_3, FACTOR_4, FACTOR_5, FACTOR_6, FACTOR_7 } from "./block-hash.ts";
import { type BlockTable, type EntryPage, NONE } from "./block-table.ts";
import type { FlatArray } from "./flat-memory.ts";

/**
 * Lookups, as they stand on the path of every request; they are formed by how LuaJIT compiles.
 *
 * It compiles no function as a whole in which a loop runs: so one bit of a filter, read without a loop or a branch,
 * answers most requests. And it compiles each way through branches that follow each other apart, so that a lookup
 * written out length by length became 2,300 traces and 2 µs: the rest is one loop whose turns are of two kinds, a
 * length that is begun and an entry that is compared.
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
  return searchIpv4(blocks, filter, a, nowMs);
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
  if (filter.rows !== 1 && !filter.isWide) {
    const mixed = ((a & 0xffffff) * FACTOR_1) ^ (Math.floor(a / 16777216) * FACTOR_2);
    const hash = mixed ^ (mixed >> 13);
    const near = (filter.near[(hash >> 5) & (NEAR_WORDS - 1)] as number) >> (hash & 31);
    const mixed32 = Math.floor(a / 65536) * 40_503;
    const hash32 = (mixed32 & 0x7fffffff) ^ Math.floor(mixed32 / 65536);
    const middle = (filter.middle[(hash32 >> 5) & (MIDDLE_WORDS - 1)] as number) >> (hash32 & 31);
    const short = filter.lengths[Math.floor(a / 4294967296)] as number;
    if (((near & 1) | (middle & 1) | short) === 0) return NONE;
  }
  return searchIpv6(blocks, filter, a, b, c, nowMs);
}

/** @hot */
function searchIpv4(blocks: BlockTable, filter: AddressFilter, address: number, nowMs: number): number {
  let word = filter.lengths[Math.floor(address / 65536) & (filter.rows - 1)] as number;
  let length = filter.isWide ? 2 : 0;
  let a = 0;
  let link = 0;
  for (;;) {
    if (link !== 0) {
      const page = blocks.pages[(link - 1) >> blocks.pageBits] as EntryPage;
      const at = (link - 1) & blocks.pageMask;
      if (page.a[at] === a && page.length[at] === length) {
        const endMs = page.expiresAtMs[at] as number;
        if (endMs === 0 || nowMs < endMs) return link - 1;
        link = 0;
      } else {
        link = page.next[at] as number;
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
      const mixed = ((a & 0xffff) * FACTOR_1) ^ (Math.floor(a / 65536) * FACTOR_2) ^ (length * FACTOR_3);
      link = linkOf(blocks, (mixed ^ (mixed >> 11) ^ (mixed >> 19)) & 0x7fffffff);
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
  nowMs: number,
): number {
  const first32 = Math.floor(addressA / 65536);
  const row = ((((first32 & 0xffff) * 40_503) ^ Math.floor(first32 / 65536)) & (filter.rows - 1)) * 4;
  let group = 0;
  let word = filter.longLengths[row] as number;
  let length = 2;
  let a = 0;
  let b = 0;
  let c = 0;
  let link = 0;
  for (;;) {
    if (link !== 0) {
      const page = blocks.pages[(link - 1) >> blocks.pageBits] as EntryPage;
      const at = (link - 1) & blocks.pageMask;
      if (page.a[at] === a && page.b[at] === b && page.c[at] === c && page.length[at] === length) {
        const endMs = page.expiresAtMs[at] as number;
        if (endMs === 0 || nowMs < endMs) return link - 1;
        link = 0;
      } else {
        link = page.next[at] as number;
      }
    } else if (word === 0 && group < 4) {
      group += 1;
      word = (
        group < 4
          ? filter.longLengths[row + group]
          : filter.lengths[Math.floor(addressA / 4294967296) & (filter.rows - 1)]
      ) as number;
    } else {
      if (word !== 0) {
        const longest = group < 4 ? 128 - group * 24 : 32;
        length = longest - (BIT_INDEX[(word & -word) % 37] as number);
        word = word & (word - 1);
      } else {
        length = filter.isWide && length > 0 ? (length > 1 ? 1 : 0) : -1;
        if (length < 0) return NONE;
      }
      a = length >= 48 ? addressA : addressA - (addressA % (POWERS_OF_TWO[48 - length] as number));
      b =
        length <= 48
          ? 0
          : length >= 96
            ? addressB
            : addressB - (addressB % (POWERS_OF_TWO[96 - length] as number));
      c = length <= 96 ? 0 : addressC - (addressC % (POWERS_OF_TWO[128 - length] as number));
      const mixed =
        ((a & 0xffffff) * FACTOR_1) ^
        (Math.floor(a / 16777216) * FACTOR_2) ^
        ((b & 0xffffff) * FACTOR_4) ^
        (Math.floor(b / 16777216) * FACTOR_5) ^
        ((c & 0xffff) * FACTOR_6) ^
        (Math.floor(c / 65536) * FACTOR_7) ^
        (length * FACTOR_3);
      link = linkOf(blocks, (mixed ^ (mixed >> 11) ^ (mixed >> 19)) & 0x7fffffff);
    }
  }
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
