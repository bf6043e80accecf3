import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import { parseCidr } from "@sluice/contract/policy/address.ts";
import { CLIENTS, clientAddresses, DENIED, deniedAddress, deniedBlocks, mixedBlocks } from "./population.ts";

test("callers and blocks are as many as promised, all different, the same in each run", () => {
  assert.equal(new Set(clientAddresses()).size, CLIENTS);
  assert.equal(new Set(deniedBlocks()).size, DENIED);
  assert.deepEqual(clientAddresses(), clientAddresses());
  assert.deepEqual(deniedBlocks(), deniedBlocks());
});

test("no caller is denied, and who is shown to be denied is", () => {
  const denied = deniedBlocks();
  const singles = new Set(denied.filter((block) => !block.includes("/")));
  const networks = new Set(
    denied.filter((block) => block.endsWith("/24")).map((block) => block.slice(0, -5)),
  );
  const isDenied = (address: string) =>
    singles.has(address) || networks.has(address.slice(0, address.lastIndexOf(".")));
  assert.equal(singles.size + networks.size, DENIED);
  assert.ok(!clientAddresses().some(isDenied));
  assert.ok(isDenied(deniedAddress(denied)));
});

test("callers are unicast addresses of the whole space", () => {
  const reserved = new BlockList();
  for (const [network, length] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["127.0.0.0", 8],
    ["224.0.0.0", 3],
  ] as const) {
    reserved.addSubnet(network, length);
  }
  const addresses = clientAddresses();
  assert.ok(!addresses.some((address) => reserved.check(address)));
  assert.ok(new Set(addresses.map((address) => address.split(".")[0])).size > 200);
});

test("the mixed list holds what it says, each block as networks are written, and no caller", () => {
  const blocks = mixedBlocks(2_000);
  assert.equal(new Set(blocks).size, 2_000);
  const lengths = new Set<string>();
  const denied = new BlockList();
  for (const block of blocks) {
    const cidr = parseCidr(block);
    assert.ok(cidr !== undefined, block);
    const { base, length } = cidr;
    lengths.add(`${base.family} ${length}`);
    if (base.family === 4) denied.addSubnet(block.split("/")[0] as string, length, "ipv4");
  }
  const expected = ["4 32", "4 24", "4 27", "4 20", "4 22", "6 48", "6 64", "6 128", "6 32", "6 36"];
  assert.deepEqual([...lengths].sort(), expected.sort());
  assert.ok(!clientAddresses().some((address) => denied.check(address)));
});
