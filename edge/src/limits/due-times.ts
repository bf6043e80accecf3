import { arrive, type CompiledLimit, REFUSED, standing } from "@sluice/contract/policy/rate-limit.ts";
import * as ffi from "ffi";
import { bytesAt } from "../platform/bytes.ts";
import { randomBytes } from "../platform/files.ts";
import { createLocks, LOCK_BYTES, lock, mappedMemory, unlock } from "../platform/mapped-memory.ts";

/**
 * The due times of many keys (see `rate-limit.ts` of the contract), in a table for all workers: what it lets through
 * is exact, however many workers and connections ask at once.
 *
 * A hash table of buckets with a fixed number of slots, so that its memory is bounded from the start. A key is found
 * in its bucket only, from its home slot on and round, and in most cases at home. A slot whose time has come says
 * nothing any more and is anybody's; when all slots of a bucket are held by keys that still owe something, the one that
 * owes least gives way, which {@link displaced} counts. With twice as many slots as keys that happens to one key in a
 * few hundred. The multipliers of the hash are drawn anew by each master: nobody can choose addresses that meet in one
 * bucket.
 *
 * A slot is three doubles: two of the key, and the due time.
 */
const SLOTS_PER_BUCKET = 16;
const DOUBLES_PER_SLOT = 3;
const SLOTS_PER_KEY = 2;
/** A lock serves many buckets; a power of two, like the number of buckets. */
const LOCKS = 1_024;
/** The multipliers, and the count of displaced keys. */
const HEADER_BYTES = 64;
const MULTIPLIERS = 6;
const DISPLACED = 6;

/** Not 0, which says that there never was a key. */
const LONG_PAST = 1;

/** The greatest prime below 2^26: the products of two such numbers, and sums of them with a few of 25 bits, are exact. */
const PRIME = 67_108_859;
const LOW_24 = 16_777_216;

/** A worker's way to the memory that all have. */
export interface DueTimes {
  readonly locks: ffi.Bytes;
  readonly header: ffi.Pointer<number>;
  readonly slots: ffi.Pointer<number>;
  readonly slotCount: number;
}

/** In the master, before workers are forked; `name` is this table's alone. Throws when there is no memory. */
export function createDueTimes(name: string, keysMax: number): DueTimes {
  let count = LOCKS;
  while (count * SLOTS_PER_BUCKET < keysMax * SLOTS_PER_KEY) count *= 2;
  const lockBytes = LOCKS * LOCK_BYTES;
  const bytes = HEADER_BYTES + lockBytes + count * SLOTS_PER_BUCKET * DOUBLES_PER_SLOT * 8;
  const [memory, isNew] = mappedMemory(name, bytes);
  const header = ffi.cast<ffi.Pointer<number>>("double *", memory);
  const locks = bytesAt(memory, HEADER_BYTES);
  const slots = ffi.cast<ffi.Pointer<number>>("double *", bytesAt(memory, HEADER_BYTES + lockBytes));
  if (isNew) {
    drawMultipliers(header);
    createLocks(locks, LOCKS);
  }
  return { locks, header, slots, slotCount: count * SLOTS_PER_BUCKET };
}

function drawMultipliers(header: ffi.Pointer<number>): void {
  const drawn = randomBytes(MULTIPLIERS * 4);
  for (let i = 0; i < MULTIPLIERS; i++) {
    const [a, b, c, d] = string.byte(drawn, i * 4 + 1, i * 4 + 4);
    header[i] =
      1 +
      (((((a as number) * 256 + (b as number)) * 256 + (c as number)) * 256 + (d as number)) % (PRIME - 1));
  }
}

/**
 * One more request of that key: whether the limit lets it through. Afterwards {@link lastDue} is what is kept for it.
 * Neither half of the key is greater than 2^49.
 *
 * @hot
 */
export function charge(
  times: DueTimes,
  limit: CompiledLimit,
  keyA: number,
  keyB: number,
  now: number,
): boolean {
  const { locks, slots } = times;
  const home = homeOf(times, keyA, keyB);
  const lockIndex = lockOf(home);
  lock(locks, lockIndex);
  const slot = slotOf(times, home, keyA, keyB, now) * DOUBLES_PER_SLOT;
  const kept = slots[slot + 2] as number;
  const next = arrive(limit, kept, now);
  due = next === REFUSED ? standing(limit, kept, now) : next;
  slots[slot + 2] = due;
  unlock(locks, lockIndex);
  return next !== REFUSED;
}

/**
 * What is kept for a key, which nothing is charged for; 0 for nothing.
 *
 * @hot
 */
export function dueOf(times: DueTimes, keyA: number, keyB: number): number {
  const { locks, slots } = times;
  const home = homeOf(times, keyA, keyB);
  const lockIndex = lockOf(home);
  lock(locks, lockIndex);
  const isAtHome = isHeldBy(slots, home, keyA, keyB) || wasNeverHeld(slots, home);
  const kept = isAtHome ? dueAt(slots, home) : searchDue(slots, home, keyA, keyB);
  unlock(locks, lockIndex);
  return kept;
}

function searchDue(slots: ffi.Pointer<number>, home: number, keyA: number, keyB: number): number {
  for (let step = 1; step < SLOTS_PER_BUCKET; step++) {
    const slot = slotBehind(home, step);
    if (wasNeverHeld(slots, slot) || isHeldBy(slots, slot, keyA, keyB)) return dueAt(slots, slot);
  }
  return 0;
}

const BITS_16 = 65_536;

/** The second half of a key: whose limit it is (32 bits), and what is more than 48 bits of whom it counts (16). */
export function placeInKey(place: number, low: number): number {
  return place * BITS_16 + low;
}

/** Of the key that was charged last. @perWorker */
let due = 0;

export function lastDue(): number {
  return due;
}

/** How many keys that still owed something had to give way, since the master started. */
export function displaced({ header }: DueTimes): number {
  return header[DISPLACED] as number;
}

/**
 * Where the key is kept, put there if it was not. Called with the bucket locked. The home slot, in which most keys are,
 * is looked at without a loop, inside which LuaJIT would not compile the whole decision.
 *
 * @hot
 */
function slotOf({ slots, header }: DueTimes, home: number, keyA: number, keyB: number, now: number): number {
  if (isHeldBy(slots, home, keyA, keyB)) return home;
  if (wasNeverHeld(slots, home)) return takeSlot(slots, home, keyA, keyB);
  return searchSlots(slots, header, home, keyA, keyB, now);
}

function searchSlots(
  slots: ffi.Pointer<number>,
  header: ffi.Pointer<number>,
  home: number,
  keyA: number,
  keyB: number,
  now: number,
): number {
  let free = home;
  let freeDue = dueAt(slots, home);
  for (let step = 1; step < SLOTS_PER_BUCKET; step++) {
    const slot = slotBehind(home, step);
    // A key goes into the first slot that nobody ever held, so it is in none behind one.
    if (wasNeverHeld(slots, slot)) return takeSlot(slots, freeDue > now ? slot : free, keyA, keyB);
    if (isHeldBy(slots, slot, keyA, keyB)) return slot;
    if (dueAt(slots, slot) < freeDue) {
      free = slot;
      freeDue = dueAt(slots, slot);
    }
  }
  if (freeDue > now) header[DISPLACED] = (header[DISPLACED] as number) + 1;
  return takeSlot(slots, free, keyA, keyB);
}

/** @hot */
function takeSlot(slots: ffi.Pointer<number>, slot: number, keyA: number, keyB: number): number {
  const at = slot * DOUBLES_PER_SLOT;
  // Should this worker die between the lines, then nobody is charged for what another owed.
  slots[at + 2] = LONG_PAST;
  slots[at] = keyA;
  slots[at + 1] = keyB;
  return slot;
}

/** @hot */
function isHeldBy(slots: ffi.Pointer<number>, slot: number, keyA: number, keyB: number): boolean {
  const at = slot * DOUBLES_PER_SLOT;
  return slots[at] === keyA && slots[at + 1] === keyB;
}

/** @hot */
function wasNeverHeld(slots: ffi.Pointer<number>, slot: number): boolean {
  return dueAt(slots, slot) === 0;
}

/** @hot */
function dueAt(slots: ffi.Pointer<number>, slot: number): number {
  return slots[slot * DOUBLES_PER_SLOT + 2] as number;
}

/** So many steps behind it, round in its bucket. */
function slotBehind(home: number, step: number): number {
  const place = home % SLOTS_PER_BUCKET;
  return home - place + ((place + step) % SLOTS_PER_BUCKET);
}

/** @hot */
function lockOf(slot: number): number {
  return math.floor(slot / SLOTS_PER_BUCKET) % LOCKS;
}

/**
 * Carter and Wegman's universal hash over the parts of a key, none above 25 bits, in three rounds. A single one is
 * linear, and one draw of multipliers in twenty brings thousands of neighbouring addresses together in a few buckets;
 * what is done to the bits between the rounds takes the neighbours apart.
 *
 * @hot
 */
function homeOf({ header, slotCount }: DueTimes, keyA: number, keyB: number): number {
  const highA = math.floor(keyA / LOW_24);
  const highB = math.floor(keyB / LOW_24);
  const low =
    ((header[0] as number) * (keyA - highA * LOW_24) + (header[1] as number) * (keyB - highB * LOW_24)) %
    PRIME;
  const all =
    ((header[2] as number) * stirred(low) + (header[3] as number) * highA + (header[4] as number) * highB) %
    PRIME;
  return (((header[5] as number) * stirred(all)) % PRIME) % slotCount;
}

/** Of 26 bits, the lower half with the upper one. @hot */
function stirred(hash: number): number {
  return hash ^ (hash >> 13);
}
