import type { Address } from "@sluice/contract/policy/address.ts";
import { compileLimit, remaining, ticksAt } from "@sluice/contract/policy/rate-limit.ts";
import { addressKeyHigh, addressKeyLow } from "../limits/address-key.ts";
import { charge, createDueTimes, type DueTimes, dueOf, placeInKey } from "../limits/due-times.ts";

/** No rule can have that id, and count under it. */
const NO_RULE = "token flood";

/**
 * Tokens that fail, by the address that sends them, over all workers. Looking at one costs up to a signature, 16 µs;
 * whoever has sent too many gets nothing verified for a while. Tokens that a worker remembers are never held up by it;
 * those who share an address with a flood may have to repeat what comes to a worker that has not seen their token.
 */
const LIMIT = compileLimit({ key: "address", requests: 10, seconds: 1, burst: 50 }, NO_RULE);

/**
 * Addresses that owe something at once: a failing token is owed for a tenth of a second, a whole burst for five. A table
 * of its own that a processor's cache holds, which that of the limits is far too great for.
 */
const ADDRESSES_MAX = 16_384;

/** Inherited from the master. @perWorker */
let times: DueTimes | undefined;

/** In the master, before workers are forked. Throws when there is no memory. */
export function createFailureTimes(): void {
  times = createDueTimes("failing-tokens", ADDRESSES_MAX);
}

/** @hot */
export function sendsTooManyFailing(address: Address, nowMs: number): boolean {
  const now = ticksAt(nowMs);
  return remaining(LIMIT, dueOf(times as DueTimes, addressKeyHigh(address), lowOf(address)), now) < 1;
}

/**
 * One more token that failed; false when it is one too many.
 *
 * @hot
 */
export function countFailing(address: Address, nowMs: number): boolean {
  return charge(times as DueTimes, LIMIT, addressKeyHigh(address), lowOf(address), ticksAt(nowMs));
}

/** @hot */
function lowOf(address: Address): number {
  return placeInKey(LIMIT.place, addressKeyLow(address));
}
