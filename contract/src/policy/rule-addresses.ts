import { type Address, type Cidr, POWERS_OF_TWO } from "./address.ts";
import { allocateFlat, type FlatArray } from "./flat-memory.ts";

/**
 * Whether some rule may name an address by its blocks, answered by one bit: of an address that none names, all rules
 * about blocks are decided by that. A bit for each /16 of IPv4, and for a hash of each /32 of IPv6; 16 KB for all
 * rules of a policy. What is said to be near may be named by none.
 */
export interface RuleAddresses {
  readonly ipv4: FlatArray;
  readonly ipv6: FlatArray;
  /** A block shorter than 32 bits is around too many /32. */
  isWideIpv6: boolean;
}

const WORDS = 2_048;

export function createRuleAddresses(): RuleAddresses {
  return { ipv4: allocateFlat("uint32", WORDS), ipv6: allocateFlat("uint32", WORDS), isWideIpv6: false };
}

export function addRuleBlock(addresses: RuleAddresses, { base, length }: Cidr): void {
  if (base.family === 6) {
    if (length < 32) addresses.isWideIpv6 = true;
    else addBit(addresses.ipv6, hashOf(base));
    return;
  }
  const first = Math.floor(base.a / 65_536);
  const count = length < 16 ? (POWERS_OF_TWO[16 - length] as number) : 1;
  for (let i = 0; i < count; i++) addBit(addresses.ipv4, first + i);
}

/** @hot */
export function isNearRules(addresses: RuleAddresses, address: Address): boolean {
  if (address.family === 4) return hasBit(addresses.ipv4, Math.floor(address.a / 65_536));
  return addresses.isWideIpv6 || hasBit(addresses.ipv6, hashOf(address));
}

/** Of the first 32 bits, 16 bits. */
function hashOf(address: Address): number {
  const first32 = Math.floor(address.a / 65_536);
  return (((first32 & 0xffff) * 40_503) ^ Math.floor(first32 / 65_536)) & 0xffff;
}

function addBit(words: FlatArray, place: number): void {
  const flag = POWERS_OF_TWO[place & 31] as number;
  const word = words[place >> 5] as number;
  if (Math.floor(word / flag) % 2 === 0) words[place >> 5] = word + flag;
}

function hasBit(words: FlatArray, place: number): boolean {
  return (((words[place >> 5] as number) >> (place & 31)) & 1) === 1;
}
