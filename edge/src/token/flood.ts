import { arrive, compileLimit, REFUSED, remaining, ticksAt } from "@sluice/contract/policy/rate-limit.ts";
import { nowMs } from "../platform/clock.ts";
import { createGenerationalMap, getFrom, putInto } from "../platform/generational-map.ts";
import { clientAddressBytes } from "../platform/request.ts";

/**
 * Tokens that fail, by the address that sends them. Looking at one costs up to a signature, 25 µs; whoever has sent
 * too many gets nothing verified for a while. Tokens that a worker remembers are never held up by it, so those who
 * share an address with a flood and are signed in notice nothing. Each worker counts for itself.
 */
const LIMIT = compileLimit({ key: "address", requests: 10, seconds: 1, burst: 50 }, "token-flood");
/** Twice as many addresses are remembered at most, by about 100 bytes each; a flood from more forgets the oldest. */
const ADDRESSES_MAX = 10_000;

/** When the next failure of an address is due. */
const due = createGenerationalMap<number>(ADDRESSES_MAX);

export function sendsTooManyFailing(): boolean {
  const before = getFrom(due, clientAddressBytes());
  return before !== undefined && remaining(LIMIT, before, ticksAt(nowMs())) < 1;
}

export function countFailing(): void {
  const address = clientAddressBytes();
  const next = arrive(LIMIT, getFrom(due, address) ?? 0, ticksAt(nowMs()));
  if (next !== REFUSED) putInto(due, address, next);
}
