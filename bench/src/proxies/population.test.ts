import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import { CLIENTS, clientAddresses, DENIED, deniedAddress, deniedBlocks } from "./population.ts";

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
