import { createRequire } from "node:module";
import { COUNTRY_UNKNOWN } from "@sluice/contract/policy/document.ts";
import { type CountryResponse, open } from "maxmind";
import type { FindCountry } from "../application/ports.ts";

/** MaxMind nests the code (`country.iso_code`); the npm data that development uses has it flat. */
type CountryRecord = CountryResponse & { readonly country_code?: string };

/** The edge compiles its range table from the same file. */
export async function openCountries(file: string): Promise<FindCountry> {
  const path =
    file === ""
      ? createRequire(import.meta.url).resolve(
          "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb",
        )
      : file;
  const reader = await open<CountryRecord>(path);
  return (address) => {
    const record = reader.get(address);
    return record?.country?.iso_code ?? record?.country_code ?? COUNTRY_UNKNOWN;
  };
}
