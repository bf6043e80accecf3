import type { Address } from "./address.ts";
import { hashIpv4Block, hashIpv6Block } from "./block-hash.ts";
import { allocateFlat, type FlatArray } from "./flat-memory.ts";

/**
 * Blocks of one address family and what is known of each, in flat arrays: a hash that grows by one bucket at a time
 * (W. Litwin, "Linear Hashing", VLDB 1980), so that no addition ever waits for a table to be copied. Entries lie in
 * pages and never move; a bucket holds the number of its first entry, and each entry names the next.
 *
 * An entry takes 34 bytes, or 46 for IPv6, and 8 bytes of buckets.
 */
export interface BlockTable {
  /** IPv6: three limbs instead of one. */
  readonly wide: boolean;
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

export interface EntryPage {
  readonly a: FlatArray;
  /** Of IPv6 only. */
  readonly b: FlatArray;
  readonly c: FlatArray;
  /** Prefix length; `FREE` for an entry that is not in use. */
  readonly length: FlatArray;
  readonly expiresAtMs: FlatArray;
  readonly id: FlatArray;
  readonly version: FlatArray;
  /** The round that set it last, see `address-table.ts`. */
  readonly round: FlatArray;
  /** 1 + the next entry of the bucket or of the free list; 0 at the end. */
  readonly next: FlatArray;
}

/** No entry. */
export const NONE = -1;
const FREE = 255;

export function createBlockTable(wide: boolean, pageBits: number): BlockTable {
  const base = 2 ** pageBits;
  const buckets = [allocateFlat("uint32", base)];
  const pageMask = base - 1;
  return {
    wide,
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
  const page = pageOf(blocks, entry);
  const at = placeOf(blocks, entry);
  page.a[at] = base.a;
  if (blocks.wide) {
    page.b[at] = base.b;
    page.c[at] = base.c;
  }
  page.length[at] = length;
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
  const page = pageOf(blocks, entry);
  const at = placeOf(blocks, entry);
  page.length[at] = FREE;
  page.next[at] = blocks.free;
  blocks.free = entry + 1;
  blocks.freed += 1;
  blocks.size -= 1;
}

/** Whether an entry below `begun` is in use. */
export function isHeld(blocks: BlockTable, entry: number): boolean {
  return pageOf(blocks, entry).length[placeOf(blocks, entry)] !== FREE;
}

export function pageOf(blocks: BlockTable, entry: number): EntryPage {
  return blocks.pages[entry >> blocks.pageBits] as EntryPage;
}

/** Where in its page the entry lies. */
export function placeOf(blocks: BlockTable, entry: number): number {
  return entry & blocks.pageMask;
}

function isBlock(blocks: BlockTable, entry: number, { a, b, c }: Address, length: number): boolean {
  const page = pageOf(blocks, entry);
  const at = placeOf(blocks, entry);
  if (page.a[at] !== a || page.length[at] !== length) return false;
  return !blocks.wide || (page.b[at] === b && page.c[at] === c);
}

function nextOf(blocks: BlockTable, entry: number): number {
  return pageOf(blocks, entry).next[placeOf(blocks, entry)] as number;
}

function bucketOf(blocks: BlockTable, hash: number): number {
  const bucket = hash & (blocks.base - 1);
  return bucket < blocks.split ? hash & (blocks.base * 2 - 1) : bucket;
}

function hashOf(blocks: BlockTable, entry: number): number {
  const page = pageOf(blocks, entry);
  const at = placeOf(blocks, entry);
  const length = page.length[at] as number;
  const a = page.a[at] as number;
  if (!blocks.wide) return hashIpv4Block(a, length);
  return hashIpv6Block(a, page.b[at] as number, page.c[at] as number, length);
}

function takeFree(blocks: BlockTable): number {
  if (blocks.free !== 0) {
    const entry = blocks.free - 1;
    blocks.free = nextOf(blocks, entry);
    return entry;
  }
  const entry = blocks.begun;
  if (placeOf(blocks, entry) === 0) blocks.pages.push(createPage(blocks));
  blocks.begun += 1;
  return entry;
}

function createPage({ wide, pageMask }: BlockTable): EntryPage {
  const size = pageMask + 1;
  return {
    a: allocateFlat("double", size),
    b: allocateFlat("double", wide ? size : 1),
    c: allocateFlat("uint32", wide ? size : 1),
    length: allocateFlat("uint8", size),
    expiresAtMs: allocateFlat("double", size),
    id: allocateFlat("double", size),
    version: allocateFlat("uint32", size),
    round: allocateFlat("uint8", size),
    next: allocateFlat("uint32", size),
  };
}

function putFirst(blocks: BlockTable, bucket: number, entry: number): void {
  const buckets = blocks.buckets[bucket >> blocks.pageBits] as FlatArray;
  const at = placeOf(blocks, bucket);
  pageOf(blocks, entry).next[placeOf(blocks, entry)] = buckets[at] as number;
  buckets[at] = entry + 1;
}

function unlink(blocks: BlockTable, bucket: number, entry: number): void {
  const buckets = blocks.buckets[bucket >> blocks.pageBits] as FlatArray;
  const at = placeOf(blocks, bucket);
  const after = nextOf(blocks, entry);
  let link = buckets[at] as number;
  if (link === entry + 1) {
    buckets[at] = after;
    return;
  }
  while (nextOf(blocks, link - 1) !== entry + 1) link = nextOf(blocks, link - 1);
  pageOf(blocks, link - 1).next[placeOf(blocks, link - 1)] = after;
}

/** Makes two buckets of the one whose turn it is. */
function splitBucket(blocks: BlockTable): void {
  const bucket = blocks.split;
  const made = blocks.base + bucket;
  const at = placeOf(blocks, bucket);
  const buckets = blocks.buckets[bucket >> blocks.pageBits] as FlatArray;
  if (placeOf(blocks, made) === 0) blocks.buckets.push(allocateFlat("uint32", blocks.pageMask + 1));
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
