import { type Address, type Cidr, parseCidr } from "./address.ts";
import { createAddressTable, findBlock, NONE, setBlock } from "./address-table.ts";
import { ASN_MAX, ASN_UNKNOWN, COUNTRY_UNKNOWN } from "./document.ts";

/**
 * What is read in files of MaxMind's format, by origin and edge alike.
 *
 * Blocks that are in no country and no network, whatever a data set says of them (free ones give private blocks to the
 * registry that wrote them down): not globally reachable by the IANA special-purpose address registries
 * (RFC 6890 and its successors). Tunnels too, Teredo and 6to4: such files have the whole of IPv4 there once more.
 */
export const SPECIAL_PURPOSE_BLOCKS = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "240.0.0.0/4",
  "::",
  "::1",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/32",
  "2001:2::/48",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
];

export function isSpecialPurpose(address: Address): boolean {
  return findBlock(specialPurpose, address, 0) !== NONE;
}

/**
 * The country in a record of a MaxMind-format file, whoever made the file: MaxMind nests the code, others
 * have it flat. `ZZ` when there is none.
 */
export function countryInRecord(record: unknown): string {
  const fields = record as {
    country?: { iso_code?: string };
    registered_country?: { iso_code?: string };
    country_code?: string;
  } | null;
  const code = fields?.country?.iso_code ?? fields?.registered_country?.iso_code ?? fields?.country_code;
  return code !== undefined && /^[A-Z]{2}$/.test(code) ? code : COUNTRY_UNKNOWN;
}

/** The number of the autonomous system; 0 when there is none. */
export function asnInRecord(record: unknown): number {
  const { autonomous_system_number: number } = (record ?? {}) as { autonomous_system_number?: unknown };
  const isNumber = Number.isInteger(number) && (number as number) > 0 && (number as number) <= ASN_MAX;
  return isNumber ? (number as number) : ASN_UNKNOWN;
}

const specialPurpose = createAddressTable(SPECIAL_PURPOSE_BLOCKS.length);
for (const block of SPECIAL_PURPOSE_BLOCKS) {
  setBlock(specialPurpose, parseCidr(block) as Cidr, 0, 0, 0);
}
