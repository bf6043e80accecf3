import assert from "node:assert/strict";
import { test } from "node:test";
import { type Address, type Cidr, parseAddress, parseCidr } from "./address.ts";
import { createAddressTable, findBlock, NONE, removeBlock, setBlock } from "./address-table.ts";
import { beginRenewal, renewFilters, wantsNewFilters } from "./table-upkeep.ts";

const blockAt = (n: number) => parseCidr(`10.${n >> 8}.${n & 255}.0/24`) as Cidr;
const addressAt = (n: number) => parseAddress(`10.${n >> 8}.${n & 255}.9`) as Address;

test("filters forget what is gone, and miss nothing that is there or comes meanwhile", () => {
  const addresses = createAddressTable();
  for (let n = 0; n < 3_000; n++) setBlock(addresses, blockAt(n), n, 1, 0);
  setBlock(addresses, parseCidr("2001:db8::/48") as Cidr, 1, 1, 0);
  assert.equal(wantsNewFilters(addresses), false);
  for (let n = 0; n < 2_900; n++) removeBlock(addresses, blockAt(n));
  assert.equal(wantsNewFilters(addresses), true);
  const before = bitsIn(addresses.ipv4Filter.near);

  beginRenewal(addresses);
  let at = renewFilters(addresses, 0, 100);
  assert.notEqual(at, NONE, "it takes several steps");
  setBlock(addresses, blockAt(3_500), 3_500, 1, 0);
  while (at !== NONE) at = renewFilters(addresses, at, 100);

  for (const n of [2_900, 2_999, 3_500]) assert.notEqual(findBlock(addresses, addressAt(n), 0), NONE, `${n}`);
  assert.equal(findBlock(addresses, addressAt(100), 0), NONE);
  assert.notEqual(findBlock(addresses, parseAddress("2001:db8::1") as Address, 0), NONE);
  assert.deepEqual([before, bitsIn(addresses.ipv4Filter.near)], [3_000, 101]);
  assert.equal(wantsNewFilters(addresses), false);
});

function bitsIn(words: ArrayLike<number> | { [index: number]: number }): number {
  let bits = 0;
  for (const word of words as Uint32Array)
    for (let rest = word; rest !== 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}
