import type { Address } from "./address.ts";
import { hashIpv4Block, hashIpv6Block } from "./block-hash.ts";
import { allocateFlat, type FlatArray, wordsOf } from "./flat-memory.ts";

/**
 * Blocks of one address family and what is known of each, in flat arrays: a hash that grows by one bucket at a time
 * (W. Litwin, "Linear Hashing", VLDB 1980), so that no addition ever waits for a table to be copied. Entries lie in
 * pages and never move; a bucket holds the number of its first entry, and each entry names the next.
 *
 * An entry is a record of doubles and of words beside each other, 32 bytes or 48 for IPv6, so that to look at one is to
 * wait for one line of memory; and 8 bytes of buckets.
 */
export interface BlockTable {
  /** IPv6: three limbs instead of one. */
  readonly wide: boolean;
  /** Doubles of one entry. */
  readonly record: number;
  /** Entries of a page, and buckets of one: 2^pageBits. */
  readonly pageBits: number;
  readonly pageMask: number;
  readonly pages: EntryPage[];
  readonly buckets: FlatArray[];
  /** Buckets are `base + split`, where `base` is a power of two; those below `split` have been split in two. */
  base: number;
  split: number;
  /** Entries that are held. */
  size: number;
  /** Entries that were ever begun: the held ones, and those in the free list. */
  begun: number;
  /** 1 + the first free entry; 0 when there is none. */
  free: number;
  /** Entries that were freed since filters were made of those that are held. */
  freed: number;
}

/** Records one after the other, seen as doubles and as words. Where a thing lies in its record is told by `AT_…`. */
export interface EntryPage {
  readonly doubles: FlatArray;
  readonly words: FlatArray;
}

/** Doubles of a record. */
export const RECORD_IPV4 = 4;
export const RECORD_IPV6 = 6;
export const AT_EXPIRES_MS = 0;
export const AT_ID = 1;
/** Of IPv6 only: the first two limbs of the block. */
export const AT_A = 4;
export const AT_B = 5;
/** Words. 1 + the next entry of the bucket or of the free list; 0 at the end. */
export const AT_NEXT = 4;
export const AT_VERSION = 5;
/** The last 32 bits of the block: all of it in IPv4. */
export const AT_LOW = 6;
/** Prefix length, or `FREE` for an entry that is not in use, and 256 times the round that set it last. */
export const AT_LENGTH = 7;
/** See `table-upkeep.ts`. */
export const ROUNDS = 256;
const LENGTHS = 256;
export const LENGTH_MASK = LENGTHS - 1;

/** No entry. */
export const NONE = -1;
const FREE = 255;

export function createBlockTable(wide: boolean, pageBits: number): BlockTable {
  const base = 2 ** pageBits;
  const buckets = [allocateFlat("uint32", base)];
  const pageMask = base - 1;
  return {
    wide,
    record: wide ? RECORD_IPV6 : RECORD_IPV4,
    pageBits,
    pageMask,
    pages: [],
    buckets,
    base,
    split: 0,
    size: 0,
    begun: 0,
    free: 0,
    freed: 0,
  };
}

/** The entry of exactly this block, or `NONE`. */
export function entryOf(blocks: BlockTable, base: Address, length: number): number {
  const { a, b, c } = base;
  const hash = blocks.wide ? hashIpv6Block(a, b, c, length) : hashIpv4Block(a, length);
  const bucket = bucketOf(blocks, hash);
  let link = (blocks.buckets[bucket >> blocks.pageBits] as FlatArray)[bucket & blocks.pageMask] as number;
  while (link !== 0) {
    if (isBlock(blocks, link - 1, base, length)) return link - 1;
    link = nextOf(blocks, link - 1);
  }
  return NONE;
}

/** Adds a block that is not there. Returns its entry, of which nothing but the block is set. */
export function addEntry(blocks: BlockTable, base: Address, length: number): number {
  const entry = takeFree(blocks);
  const { doubles, words } = pageOf(blocks, entry);
  const at = placeOf(blocks, entry);
  if (blocks.wide) {
    doubles[at + AT_A] = base.a;
    doubles[at + AT_B] = base.b;
  }
  words[at * 2 + AT_LOW] = blocks.wide ? base.c : base.a;
  words[at * 2 + AT_LENGTH] = length;
  putFirst(blocks, bucketOf(blocks, hashOf(blocks, entry)), entry);
  blocks.size += 1;
  // Two buckets for each entry: most are empty, and an address that is not there learns so at once.
  if (blocks.base + blocks.split < blocks.size * 2) splitBucket(blocks);
  if (blocks.base + blocks.split < blocks.size * 2) splitBucket(blocks);
  return entry;
}

/** Removes an entry that is held. */
export function freeEntry(blocks: BlockTable, entry: number): void {
  unlink(blocks, bucketOf(blocks, hashOf(blocks, entry)), entry);
  const { words } = pageOf(blocks, entry);
  const at = placeOf(blocks, entry) * 2;
  words[at + AT_LENGTH] = FREE;
  words[at + AT_NEXT] = blocks.free;
  blocks.free = entry + 1;
  blocks.freed += 1;
  blocks.size -= 1;
}

/** Whether an entry below `begun` is in use. */
export function isHeld(blocks: BlockTable, entry: number): boolean {
  return lengthOf(blocks, entry) !== FREE;
}

export function lengthOf(blocks: BlockTable, entry: number): number {
  return wordOf(blocks, entry, AT_LENGTH) % LENGTHS;
}

/** The round that set the entry last. */
export function roundOf(blocks: BlockTable, entry: number): number {
  return Math.floor(wordOf(blocks, entry, AT_LENGTH) / LENGTHS);
}

export function setRound(blocks: BlockTable, entry: number, round: number): void {
  const { words } = pageOf(blocks, entry);
  words[placeOf(blocks, entry) * 2 + AT_LENGTH] = lengthOf(blocks, entry) + round * LENGTHS;
}

export function pageOf(blocks: BlockTable, entry: number): EntryPage {
  return blocks.pages[entry >> blocks.pageBits] as EntryPage;
}

/** Where in its page the entry's record begins, in doubles. */
export function placeOf(blocks: BlockTable, entry: number): number {
  return (entry & blocks.pageMask) * blocks.record;
}

/** A double of the entry's record. */
export function doubleOf(blocks: BlockTable, entry: number, field: number): number {
  return pageOf(blocks, entry).doubles[placeOf(blocks, entry) + field] as number;
}

export function wordOf(blocks: BlockTable, entry: number, field: number): number {
  return pageOf(blocks, entry).words[placeOf(blocks, entry) * 2 + field] as number;
}

function isBlock(blocks: BlockTable, entry: number, { a, b, c }: Address, length: number): boolean {
  if (lengthOf(blocks, entry) !== length) return false;
  const low = wordOf(blocks, entry, AT_LOW);
  if (!blocks.wide) return low === a;
  return low === c && doubleOf(blocks, entry, AT_A) === a && doubleOf(blocks, entry, AT_B) === b;
}

function nextOf(blocks: BlockTable, entry: number): number {
  return wordOf(blocks, entry, AT_NEXT);
}

function bucketOf(blocks: BlockTable, hash: number): number {
  const bucket = hash & (blocks.base - 1);
  return bucket < blocks.split ? hash & (blocks.base * 2 - 1) : bucket;
}

function hashOf(blocks: BlockTable, entry: number): number {
  const length = lengthOf(blocks, entry);
  const low = wordOf(blocks, entry, AT_LOW);
  if (!blocks.wide) return hashIpv4Block(low, length);
  return hashIpv6Block(doubleOf(blocks, entry, AT_A), doubleOf(blocks, entry, AT_B), low, length);
}

function takeFree(blocks: BlockTable): number {
  if (blocks.free !== 0) {
    const entry = blocks.free - 1;
    blocks.free = nextOf(blocks, entry);
    return entry;
  }
  const entry = blocks.begun;
  if ((entry & blocks.pageMask) === 0) blocks.pages.push(createPage(blocks));
  blocks.begun += 1;
  return entry;
}

function createPage({ pageMask, record }: BlockTable): EntryPage {
  const doubles = allocateFlat("double", (pageMask + 1) * record);
  return { doubles, words: wordsOf(doubles) };
}

function putFirst(blocks: BlockTable, bucket: number, entry: number): void {
  const buckets = blocks.buckets[bucket >> blocks.pageBits] as FlatArray;
  const at = bucket & blocks.pageMask;
  setNext(blocks, entry, buckets[at] as number);
  buckets[at] = entry + 1;
}

function setNext(blocks: BlockTable, entry: number, link: number): void {
  pageOf(blocks, entry).words[placeOf(blocks, entry) * 2 + AT_NEXT] = link;
}

function unlink(blocks: BlockTable, bucket: number, entry: number): void {
  const buckets = blocks.buckets[bucket >> blocks.pageBits] as FlatArray;
  const at = bucket & blocks.pageMask;
  const after = nextOf(blocks, entry);
  let link = buckets[at] as number;
  if (link === entry + 1) {
    buckets[at] = after;
    return;
  }
  while (nextOf(blocks, link - 1) !== entry + 1) link = nextOf(blocks, link - 1);
  setNext(blocks, link - 1, after);
}

/** Makes two buckets of the one whose turn it is. */
function splitBucket(blocks: BlockTable): void {
  const bucket = blocks.split;
  const made = blocks.base + bucket;
  const at = bucket & blocks.pageMask;
  const buckets = blocks.buckets[bucket >> blocks.pageBits] as FlatArray;
  if ((made & blocks.pageMask) === 0) blocks.buckets.push(allocateFlat("uint32", blocks.pageMask + 1));
  blocks.split += 1;
  if (blocks.split === blocks.base) {
    blocks.base *= 2;
    blocks.split = 0;
  }
  let link = buckets[at] as number;
  buckets[at] = 0;
  while (link !== 0) {
    const entry = link - 1;
    link = nextOf(blocks, entry);
    putFirst(blocks, bucketOf(blocks, hashOf(blocks, entry)), entry);
  }
}
