import type { FlatArray } from "./policy/flat-memory.ts";

/**
 * A Bloom filter of ids (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970): what it says no
 * to was never added; what it says yes to mostly was. The relay keeps it in Redis, as a string of bits in the order of
 * SETBIT; edges hold it in memory. Bits are only ever set, so adding twice, or in any order, is harmless.
 *
 * The positions of an id come from two hashes (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
 */
export interface MembershipShape {
  /** A multiple of 8, below 2^31. */
  bits: number;
  hashes: number;
}

/** `falsePositives`: how many ids that were never added may be taken for members once `idsMax` are in it, from 0 to 1. */
export function membershipShape(idsMax: number, falsePositives: number): MembershipShape {
  const bitsPerId = -Math.log(falsePositives) / (Math.LN2 * Math.LN2);
  const bytes = Math.max(64, Math.ceil((idsMax * bitsPerId) / 8));
  return { bits: Math.min(bytes * 8, 2 ** 31 - 8), hashes: Math.max(1, Math.round(bitsPerId * Math.LN2)) };
}

/** Of the hashes below: bits that other hashes have set would say no to members. */
const REVISION = 2;

/** What is kept beside bits, and must be the same for who looks at them: the epoch of the projections, and the hashes. */
export function filterEpoch(epoch: string): string {
  return `${epoch}/${REVISION}`;
}

/** Where the bits of an id are. Ids are whole numbers up to 2^53. */
export function memberPositions(shape: MembershipShape, id: number): number[] {
  const positions: number[] = [];
  const first = firstHash(id);
  const step = secondHash(id);
  for (let i = 0; i < shape.hashes; i++) positions.push((first + i * step) % shape.bits);
  return positions;
}

export function addMember(bytes: FlatArray, shape: MembershipShape, id: number): void {
  const first = firstHash(id);
  const step = secondHash(id);
  for (let i = 0; i < shape.hashes; i++) {
    const at = (first + i * step) % shape.bits;
    bytes[at >> 3] = (bytes[at >> 3] as number) | (128 >> (at & 7));
  }
}

/** False: it was never added. */
export function mayBeMember(bytes: FlatArray, shape: MembershipShape, id: number): boolean {
  const first = firstHash(id);
  const step = secondHash(id);
  for (let i = 0; i < shape.hashes; i++) {
    const at = (first + i * step) % shape.bits;
    if (((bytes[at >> 3] as number) & (128 >> (at & 7))) === 0) return false;
  }
  return true;
}

/** How many of what was never added it takes for members, with that many of its bits set. */
export function falsePositivesWith(shape: MembershipShape, bitsSet: number): number {
  return (bitsSet / shape.bits) ** shape.hashes;
}

/** Odd, of 26 bits: times 24 bits they stay below 2^51, where LuaJIT's bit operators end. */
const FACTOR_1 = 0x278dde7;
const FACTOR_2 = 0x2ebca6b;
const FACTOR_3 = 0x370e6b3;
const FACTOR_4 = 0x3b2ae35;

/**
 * 31 bits. The second hash is made of the id as well, not of the first: whose hashes both came from the same 31 bits
 * were one id to the filter, and among a million ids every 2,000th other one met such a twin, however many bits there were.
 */
function firstHash(id: number): number {
  const high = Math.floor(id / 16777216);
  const low = id - high * 16777216;
  const middle = high % 16777216;
  return mixed((low * FACTOR_1) ^ (middle * FACTOR_2) ^ (Math.floor(high / 16777216) * FACTOR_3));
}

/** Odd, so that no power of two in the size makes positions fall together. */
function secondHash(id: number): number {
  const high = Math.floor(id / 16777216);
  const low = id - high * 16777216;
  const middle = high % 16777216;
  return mixed((low * FACTOR_4) ^ (middle * FACTOR_3) ^ (Math.floor(high / 16777216) * FACTOR_1)) | 1;
}

/** 31 bits of 32, each of which depends on many. */
function mixed(bits: number): number {
  const once = ((bits & 0xffff) * FACTOR_2) ^ (((bits >> 16) & 0xffff) * FACTOR_4) ^ (bits >> 15);
  const twice = ((once & 0xffff) * FACTOR_1) ^ (((once >> 16) & 0xffff) * FACTOR_3) ^ (once >> 13);
  return (twice ^ (twice >> 17)) & 0x7fffffff;
}
