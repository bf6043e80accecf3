import { addToFilter, createAddressFilter } from "./address-filter.ts";
import {
  type AddressTable,
  blocksAt,
  cidrAt,
  entryAt,
  expiresAtMsAt,
  IPV6_FIRST,
  NONE,
} from "./address-table.ts";
import { freeEntry, isHeld, ROUNDS, roundOf } from "./block-table.ts";

/**
 * Work on all entries of a table, a few at a time, whatever is added and removed between: each step takes a handle
 * and how many entries to look at, and returns where to go on, or `NONE` when all are done. Begin with 0.
 */
/** What is set from now on is told from what was set before. */
export function beginRound(addresses: AddressTable): void {
  addresses.round = (addresses.round + 1) % ROUNDS;
}

/** Removes what was not set since the round began. */
export function forgetOlderRounds(addresses: AddressTable, from: number, count: number): number {
  let handle = reached(addresses, from);
  for (let looked = 0; looked < count && handle !== NONE; looked++) {
    const blocks = blocksAt(addresses, handle);
    const entry = entryAt(handle);
    const isOlder = roundOf(blocks, entry) !== addresses.round;
    if (isOlder && isHeld(blocks, entry)) freeEntry(blocks, entry);
    handle = reached(addresses, handle + 1);
  }
  return handle;
}

/** Removes what ended before that; of an end below 0 its amount counts. */
export function forgetEnded(addresses: AddressTable, from: number, count: number, beforeMs: number): number {
  let handle = reached(addresses, from);
  for (let looked = 0; looked < count && handle !== NONE; looked++) {
    const endMs = Math.abs(expiresAtMsAt(addresses, handle));
    const blocks = blocksAt(addresses, handle);
    const entry = entryAt(handle);
    if (endMs !== 0 && endMs < beforeMs && isHeld(blocks, entry)) freeEntry(blocks, entry);
    handle = reached(addresses, handle + 1);
  }
  return handle;
}

/** Fewer are not worth the memory of new filters for a moment. */
const FREED_MIN = 1_000;

/**
 * A filter says of some address that something may be listed around it, and goes on saying so when that is gone. With
 * bans that come and go it would say it of all; so filters are made anew, beside the ones in use, when much was freed.
 */
export function wantsNewFilters({ ipv4, ipv6 }: AddressTable): boolean {
  const freed = ipv4.freed + ipv6.freed;
  return freed >= FREED_MIN && freed > (ipv4.size + ipv6.size) / 2;
}

/** From here on what is set is in both; `renewFilters` adds what was there. */
export function beginRenewal(addresses: AddressTable): void {
  const isLarge = addresses.ipv4Filter.rows > 1;
  addresses.renewed = { ipv4: createAddressFilter(4, isLarge), ipv6: createAddressFilter(6, isLarge) };
  addresses.ipv4.freed = 0;
  addresses.ipv6.freed = 0;
}

/** The new filters take the place of the ones before when all entries are in them. */
export function renewFilters(addresses: AddressTable, from: number, count: number): number {
  const { renewed } = addresses;
  if (renewed === undefined) return NONE;
  const next = visitEntries(addresses, from, count, (handle) => {
    const { base, length } = cidrAt(addresses, handle);
    addToFilter(base.family === 4 ? renewed.ipv4 : renewed.ipv6, base, length);
  });
  if (next !== NONE) return next;
  addresses.ipv4Filter = renewed.ipv4;
  addresses.ipv6Filter = renewed.ipv6;
  addresses.renewed = undefined;
  return NONE;
}

/** Shows what is held to `visit`. */
export function visitEntries(
  addresses: AddressTable,
  from: number,
  count: number,
  visit: (this: void, handle: number) => void,
): number {
  let handle = reached(addresses, from);
  for (let looked = 0; looked < count && handle !== NONE; looked++) {
    if (isHeld(blocksAt(addresses, handle), entryAt(handle))) visit(handle);
    handle = reached(addresses, handle + 1);
  }
  return handle;
}

/** The handle, or the one that follows where a family ends; `NONE` behind the last. */
function reached(addresses: AddressTable, handle: number): number {
  const at = handle < IPV6_FIRST && handle >= addresses.ipv4.begun ? IPV6_FIRST : handle;
  return at >= IPV6_FIRST + addresses.ipv6.begun ? NONE : at;
}
