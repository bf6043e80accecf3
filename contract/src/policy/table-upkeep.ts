import { type AddressTable, blocksAt, entryAt, expiresAtMsAt, IPV6_FIRST, NONE } from "./address-table.ts";
import { freeEntry, isHeld, pageOf, placeOf } from "./block-table.ts";

/**
 * Work on all entries of a table, a few at a time, whatever is added and removed between: each step takes a handle
 * and how many entries to look at, and returns where to go on, or `NONE` when all are done. Begin with 0.
 */
const ROUNDS = 256;

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
    const isOlder = pageOf(blocks, entry).round[placeOf(blocks, entry)] !== addresses.round;
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
