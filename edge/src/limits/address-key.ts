import type { Address } from "@sluice/contract/policy/address.ts";

/**
 * An address as due times are kept for it, in two numbers: 48 bits with a mark and 16. Of IPv6 the /64 counts, of which
 * one customer has at least one.
 */

const BITS_32 = 4_294_967_296;
/** No IPv6 prefix is as great. */
const IPV4_MARK = 2 ** 48;

/** @hot */
export function addressKeyHigh(address: Address): number {
  return address.family === 4 ? address.a + IPV4_MARK : address.a;
}

/** @hot */
export function addressKeyLow(address: Address): number {
  return address.family === 4 ? 0 : math.floor(address.b / BITS_32);
}
