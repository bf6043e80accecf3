import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, parseAddress } from "./address.ts";
import { countryInRecord, isSpecialPurpose, SPECIAL_PURPOSE_BLOCKS } from "./country.ts";

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
