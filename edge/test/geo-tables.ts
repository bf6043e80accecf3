/** Geo data that are made up: tables as the compiler writes them, of addresses that are in no country really. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Address,
  type Cidr,
  formatAddress,
  maskAddress,
  parseAddress,
  parseCidr,
} from "@sluice/contract/policy/address.ts";
import { countryNumber, type Ranges } from "../geo/read-ranges.ts";
import { encodeTable } from "../geo/table-file.ts";

/** Documentation blocks (RFC 5737, RFC 3849), with a country and a network for the tests. */
const PLACES: { block: string; end: string; country: string; asn: number }[] = [
  { block: "198.51.100.0/24", end: "198.51.101.0", country: "DE", asn: 64_500 },
  { block: "203.0.113.0/24", end: "203.0.114.0", country: "KP", asn: 64_501 },
  { block: "2001:db8::/32", end: "2001:db9::", country: "FR", asn: 4_200_000_000 },
];

export function writeGeoTables(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, numberOf: (place: (typeof PLACES)[number]) => number, unknown: number) => {
    const ipv4 = ranges(4, numberOf, unknown);
    const ipv6 = ranges(6, numberOf, unknown);
    writeFileSync(join(folder, name), encodeTable({ ipv4, ipv6, builtAtMs: 0 }).bytes);
  };
  write("country.bin", ({ country }) => countryNumber(country), countryNumber("ZZ"));
  write("asn.bin", ({ asn }) => asn, 0);
}

/** The network that the tables have of the address. */
export function madeUpAsn(ip: string): number {
  const address = parseAddress(ip) as Address;
  const place = PLACES.find(({ block }) => {
    const { base, length } = parseCidr(block) as Cidr;
    return (
      base.family === address.family && formatAddress(maskAddress(address, length)) === formatAddress(base)
    );
  });
  return place === undefined ? 0 : place.asn;
}

function ranges(
  family: 4 | 6,
  numberOf: (place: (typeof PLACES)[number]) => number,
  unknown: number,
): Ranges {
  const made: Ranges = { starts: [{ family, a: 0, b: 0, c: 0 }], values: [unknown] };
  for (const place of PLACES) {
    const { base } = parseCidr(place.block) as Cidr;
    if (base.family !== family) continue;
    made.starts.push(base, parseAddress(place.end) as Address);
    made.values.push(numberOf(place), unknown);
  }
  return made;
}
