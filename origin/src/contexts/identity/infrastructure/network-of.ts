import { formatAddress, maskAddress, parseAddress } from "@sluice/contract/policy/address.ts";

/** Whoever has one IPv6 address mostly has all of its /64. */
const ipv6NetworkBits = 64;

/** What stands for an address wherever somebody's share is counted. */
export function networkOf(text: string): string {
  const address = parseAddress(text);
  if (address === undefined || address.family === 4) return text;
  return formatAddress(maskAddress(address, ipv6NetworkBits));
}
