import { createRequire } from "node:module";
import { parseAddress } from "@sluice/contract/policy/address.ts";
import { countryInRecord, isSpecialPurpose } from "@sluice/contract/policy/country.ts";
import { COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import { open, type Response } from "maxmind";
import type { FindCountry } from "../application/ports.ts";

/** The edge compiles its range table from the same file, by the same rules. */
export async function openCountries(file: string): Promise<FindCountry> {
  const path =
    file === ""
      ? createRequire(import.meta.url).resolve(
          "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb",
        )
      : file;
  const reader = await open<Response>(path);
  return (address) => {
    const parsed = parseAddress(address);
    if (parsed === undefined || isSpecialPurpose(parsed)) return COUNTRY_UNKNOWN;
    return countryInRecord(reader.get(address));
  };
}
