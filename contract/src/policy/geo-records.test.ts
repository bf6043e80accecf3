import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, parseAddress } from "./address.ts";
import { asnInRecord, countryInRecord, isSpecialPurpose, SPECIAL_PURPOSE_BLOCKS } from "./geo-records.ts";

test("the country of a record, whoever made the file", () => {
  assert.equal(
    countryInRecord({ country: { iso_code: "DE" }, registered_country: { iso_code: "FR" } }),
    "DE",
  );
  assert.equal(countryInRecord({ registered_country: { iso_code: "FR" } }), "FR");
  assert.equal(countryInRecord({ country_code: "CN" }), "CN");
  assert.equal(countryInRecord({ country_code: "" }), "ZZ");
  assert.equal(countryInRecord(null), "ZZ");
});

test("a record of a City file has a country, too", () => {
  assert.equal(countryInRecord({ city: { names: { en: "Ulm" } }, country: { iso_code: "DE" } }), "DE");
});

test("the network of a record, and none where the record has none", () => {
  assert.equal(
    asnInRecord({ autonomous_system_number: 64_500, autonomous_system_organization: "x" }),
    64_500,
  );
  for (const record of [
    null,
    {},
    { autonomous_system_number: "64500" },
    { autonomous_system_number: 2 ** 32 },
  ]) {
    assert.equal(asnInRecord(record), 0);
  }
});

test("private, documentation and other special blocks are in no country; their neighbours may be", () => {
  const special = (text: string) => isSpecialPurpose(parseAddress(text) as Address);
  for (const text of [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "203.0.113.9",
    "127.0.0.1",
    "::1",
    "fe80::1",
  ]) {
    assert.equal(special(text), true, text);
  }
  for (const text of ["11.0.0.0", "172.32.0.0", "192.169.0.0", "203.0.114.0", "8.8.8.8", "2001:4860::1"]) {
    assert.equal(special(text), false, text);
  }
  assert.equal(new Set(SPECIAL_PURPOSE_BLOCKS).size, SPECIAL_PURPOSE_BLOCKS.length);
});
