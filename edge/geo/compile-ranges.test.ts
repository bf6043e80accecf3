import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Address, parseAddress } from "@sluice/contract/policy/address.ts";
import { countryInRecord, isSpecialPurpose } from "@sluice/contract/policy/country.ts";
import { build } from "lua-gen/build.ts";
import { Reader, type Response } from "maxmind";
import { compileRanges } from "./compile-ranges.ts";

const MMDB = fileURLToPath(
  import.meta.resolve("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"),
);
const EDGE = fileURLToPath(new URL("..", import.meta.url));
const ADDRESSES = 20_000;

const folder = mkdtempSync(join(tmpdir(), "sluice-geo-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Looks addresses up with the code that nginx runs, in the LuaJIT that nginx uses. */
const LOOKUP = `
local ranges = require("edge.src.geo.range-table")
local parse = require("contract.src.policy.address").parseAddress
assert(ranges.loadRangeTable(arg[1]) == nil)
for line in io.lines(arg[2]) do print(ranges.countryOf(parse(line))) end
`;

test("the edge's answers are those of the MaxMind reader, but for blocks that are in no country", () => {
  assert.deepEqual(build({ project: EDGE }).faults, []);
  const table = join(folder, "geo.bin");
  const sizes = compileRanges(MMDB, table);
  assert.ok(sizes.ipv4 > 1_000 && sizes.ipv6 > 1_000);

  const addresses = [...edges(), ...Array.from({ length: ADDRESSES }, (_, i) => randomAddress(i))];
  writeFileSync(join(folder, "addresses"), `${addresses.join("\n")}\n`);
  writeFileSync(join(folder, "lookup.lua"), LOOKUP);
  const run = spawnSync("luajit", [join(folder, "lookup.lua"), table, join(folder, "addresses")], {
    encoding: "utf8",
    env: { LUA_PATH: `${EDGE}dist/?.lua;;` },
    maxBuffer: 16 * 1024 * 1024,
  });
  assert.equal(run.status, 0, run.stderr);
  const answers = run.stdout.trimEnd().split("\n");
  const reader = new Reader<Response>(readFileSync(MMDB));
  const wrong = addresses
    .map((address, i) => ({ address, edge: answers[i], reader: expected(reader, address) }))
    .filter((one) => one.edge !== one.reader);
  assert.deepEqual(wrong, []);
  assert.ok(new Set(answers).size > 100, "the addresses were spread over the world");
});

test("a table that was cut short is refused", () => {
  const table = join(folder, "geo.bin");
  assert.ok(existsSync(table));
  const cut = join(folder, "cut.bin");
  writeFileSync(cut, readFileSync(table).subarray(0, -1));
  writeFileSync(
    join(folder, "load.lua"),
    'print(require("edge.src.geo.range-table").loadRangeTable(arg[1]))',
  );
  const run = spawnSync("luajit", [join(folder, "load.lua"), cut], {
    encoding: "utf8",
    env: { LUA_PATH: `${EDGE}dist/?.lua;;` },
  });
  assert.match(run.stdout, /is cut short or damaged/);
});

function expected(reader: Reader<Response>, address: string): string {
  return isSpecialPurpose(parseAddress(address) as Address) ? "ZZ" : countryInRecord(reader.get(address));
}

function edges(): string[] {
  return [
    "0.0.0.0",
    "255.255.255.255",
    "127.0.0.1",
    "1.0.0.0",
    // On both sides of blocks that are in no country; the data set has an answer for some of them.
    "9.255.255.255",
    "10.0.0.0",
    "11.0.0.0",
    "172.15.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.168.7.7",
    "192.169.0.0",
    "203.0.112.255",
    "203.0.113.9",
    "203.0.114.0",
    "239.255.255.255",
    "240.0.0.0",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db8::1",
    "2001:db9::",
    "fe80::1",
    "fec0::",
    "::1:0:0:0",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ];
}

/** IPv6 mostly where addresses are given out (2000::/3); elsewhere every answer would be the same. */
function randomAddress(i: number): string {
  const bytes = randomBytes(16);
  if (i % 2 === 0) return bytes.subarray(0, 4).join(".");
  bytes[0] = 0x20 | ((bytes[0] as number) & 0x1f);
  if (i % 4 === 1) {
    bytes[0] = [0x20, 0x24, 0x26, 0x2a, 0x28][i % 5] as number;
    bytes[1] = (bytes[1] as number) & 0x1f;
  }
  return (bytes.toString("hex").match(/.{4}/g) as string[]).join(":");
}
