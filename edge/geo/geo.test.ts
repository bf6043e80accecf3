import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Address, parseAddress } from "@sluice/contract/policy/address.ts";
import { asnInRecord, countryInRecord, isSpecialPurpose } from "@sluice/contract/policy/geo-records.ts";
import { Reader, type Response } from "maxmind";
import { mmdbOf } from "../../contract/cases/mmdb.ts";
import { compileLua } from "../test/edge-under-test.ts";
import { compileGeo } from "./compile.ts";
import { type GeoKind, readGeoData } from "./read-ranges.ts";

const FREE = fileURLToPath(
  import.meta.resolve("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"),
);
const EDGE = fileURLToPath(new URL("..", import.meta.url));
const ADDRESSES = 20_000;
const NOW_MS = Date.parse("2026-11-30T12:00:00Z");

const folder = mkdtempSync(join(tmpdir(), "sluice-geo-"));
after(() => rmSync(folder, { recursive: true, force: true }));
await compileLua();

const city = (code: string) => ({ city: { names: { en: "somewhere" } }, country: { iso_code: code } });
const network = (number: number) => ({
  autonomous_system_number: number,
  autonomous_system_organization: "somebody",
});
/** Of all kinds of places in the tree: short, long, one inside the other, around blocks that are in no country. */
const CITIES = {
  "0.0.0.0/1": city("US"),
  "46.4.0.0/16": city("DE"),
  "46.4.7.0/24": city("FR"),
  "46.4.7.9/32": city("KP"),
  "192.0.0.0/8": city("JP"),
  "2000::/3": city("GB"),
  "2a01:4f8::/32": city("DE"),
  "2a01:4f8:1:2:3:4:5:6/128": city("FR"),
};
const NETWORKS = {
  "46.4.0.0/16": network(24_940),
  "46.4.7.0/24": network(4_200_000_000),
  "2a01:4f8::/29": network(24_940),
};

/** Looks addresses up with the code that nginx runs, in the LuaJIT that nginx uses. */
const LOOKUP = `
local ranges = require("edge.src.geo.range-table")
local parse = require("contract.src.policy.address").parseAddress
local reading = ranges.beginTable(arg[1])
if not reading then print("failed: there is no " .. arg[1]) os.exit(0) end
local pieces = 0
while not reading.isDone do ranges.readPiece(reading) pieces = pieces + 1 end
if reading.failure then print("failed: " .. reading.failure) os.exit(0) end
io.stderr:write(pieces)
for line in io.lines(arg[2]) do print(string.format("%.0f", ranges.valueAt(reading.ranges, parse(line)))) end
`;

function lookUp(table: string, addresses: readonly string[]): { answers: string[]; pieces: number } {
  writeFileSync(join(folder, "addresses"), `${addresses.join("\n")}\n`);
  writeFileSync(join(folder, "lookup.lua"), LOOKUP);
  const run = spawnSync("luajit", [join(folder, "lookup.lua"), table, join(folder, "addresses")], {
    encoding: "utf8",
    env: { LUA_PATH: `${EDGE}dist/?.lua;;` },
    maxBuffer: 16 * 1024 * 1024,
  });
  assert.equal(run.status, 0, run.stderr);
  return { answers: run.stdout.trimEnd().split("\n"), pieces: Number(run.stderr) };
}

/** Compiles the file, and holds every answer of the edge against the MaxMind reader's. */
function compareWithReader(kind: GeoKind, mmdb: string, addresses: readonly string[]): Set<string> {
  const report = compileGeo(
    kind === "country" ? { country: mmdb, asn: undefined } : { country: FREE, asn: mmdb },
    folder,
    NOW_MS,
  );
  assert.equal(report[kind]?.problem, null);
  const { answers, pieces } = lookUp(join(folder, `${kind}.bin`), addresses);
  assert.ok(pieces > 0);
  const reader = new Reader<Response>(readFileSync(mmdb));
  const wrong = addresses
    .map((address, i) => ({ address, edge: answers[i], reader: expected(kind, reader, address) }))
    .filter((one) => one.edge !== one.reader);
  assert.deepEqual(wrong.slice(0, 10), []);
  return new Set(answers);
}

function expected(kind: GeoKind, reader: Reader<Response>, address: string): string {
  const known = !isSpecialPurpose(parseAddress(address) as Address);
  const isLost = address.includes(":") && reader.metadata.ipVersion === 4;
  const record = known && !isLost ? reader.get(address) : null;
  if (kind === "asn") return String(asnInRecord(record));
  const code = countryInRecord(record);
  return String(code.charCodeAt(0) * 256 + code.charCodeAt(1));
}

test("of the free country data the edge says what the MaxMind reader says, but for blocks that are in no country", () => {
  const addresses = [...borders(), ...Array.from({ length: ADDRESSES }, (_, i) => randomAddress(i))];
  const answers = compareWithReader("country", FREE, addresses);
  assert.ok(answers.size > 100, "the addresses were spread over the world");
});

for (const [name, options] of [
  ["a City file", { type: "Test-City" }],
  ["a file of IPv4 alone", { type: "Test-Country", ipVersion: 4 }],
  ["a file with records of 28 bits", { type: "Test-City", recordSize: 28 }],
  ["a file with records of 32 bits", { type: "Test-City", recordSize: 32 }],
] as const) {
  test(`so it does of ${name}`, () => {
    const isIpv4 = "ipVersion" in options;
    const records = Object.entries(CITIES).filter(([block]) => !(isIpv4 && block.includes(":")));
    const file = write("made.mmdb", mmdbOf(Object.fromEntries(records), options));
    compareWithReader("country", file, [...borders(), ...around(Object.keys(CITIES))]);
  });
}

test("so it does of networks, and without a file of them there is no table any more", () => {
  const file = write("asn.mmdb", mmdbOf(NETWORKS, { type: "Test-ASN" }));
  compareWithReader("asn", file, [...borders(), ...around(Object.keys(NETWORKS))]);
  const report = compileGeo({ country: FREE, asn: undefined }, folder, NOW_MS);
  assert.equal(report.asn, null);
  assert.match(lookUp(join(folder, "asn.bin"), ["1.1.1.1"]).answers[0] ?? "", /^failed: /);
});

test("a source as it was is not compiled again, another one is, and the report tells what it is", () => {
  const source = write("source.mmdb", mmdbOf(CITIES, { type: "Test-City" }));
  const files = { country: source, asn: undefined };
  const first = compileGeo(files, folder, NOW_MS).country.source;
  assert.deepEqual(
    { type: first?.type, builtAtMs: first?.builtAtMs, compiledAtMs: first?.compiledAtMs },
    { type: "Test-City", builtAtMs: Date.parse("2026-11-01T00:00:00Z"), compiledAtMs: NOW_MS },
  );
  assert.deepEqual(compileGeo(files, folder, NOW_MS + 1).country.source, first);
  const next = { ...CITIES, "46.4.7.9/32": city("IT") };
  renameSync(write("next.mmdb", mmdbOf(next, { type: "Test-City" })), source);
  const second = compileGeo(files, folder, NOW_MS + 2).country.source;
  assert.equal(second?.compiledAtMs, NOW_MS + 2);
  assert.notEqual(second?.table, first?.table);
  assert.equal(lookUp(join(folder, "country.bin"), ["46.4.7.9"]).answers[0], String(0x49 * 256 + 0x54));
});

test("a source that is broken, of another kind or gone is named, and the table before it stays", () => {
  const whole = mmdbOf(CITIES, { type: "Test-City" });
  const source = write("broken.mmdb", whole);
  const files = { country: source, asn: undefined };
  const before = compileGeo(files, folder, NOW_MS).country.source;
  const kept = readFileSync(join(folder, "country.bin"));
  const faulty: [content: Buffer, problem: RegExp][] = [
    [whole.subarray(0, -1), /broken.mmdb is /],
    [whole.subarray(0, whole.length / 2), /is no whole file of MaxMind's format/],
    [whole.subarray(whole.length / 2), /broken.mmdb (is|holds) /],
    [Buffer.alloc(0), /is no whole file/],
    [randomBytes(10_000), /is no whole file/],
    [mmdbOf(NETWORKS, { type: "Test-ASN" }), /holds no country \(its type is "Test-ASN"\)/],
  ];
  for (const [content, problem] of faulty) {
    writeFileSync(source, content);
    const { country } = compileGeo(files, folder, NOW_MS + 1);
    assert.match(country.problem ?? "", problem);
    assert.deepEqual(country.source, before);
  }
  rmSync(source);
  assert.match(compileGeo(files, folder, NOW_MS + 1).country.problem ?? "", /broken.mmdb is not there/);
  assert.deepEqual(readFileSync(join(folder, "country.bin")), kept);
  writeFileSync(source, whole);
  assert.equal(compileGeo(files, folder, NOW_MS + 2).country.problem, null);
});

test("a tree that runs in circles ends", () => {
  const mmdb = mmdbOf(CITIES, { type: "Test-City" });
  // One way out of the first node leads back to it.
  mmdb.fill(0, 3, 6);
  assert.throws(() => readGeoData(mmdb, "country"), /runs in circles/);
});

test("a table that was cut short or changed anywhere is refused", () => {
  const table = join(folder, "country.bin");
  const file = write("to-damage.mmdb", mmdbOf(CITIES, { type: "Test-City" }));
  compileGeo({ country: file, asn: undefined }, folder, NOW_MS);
  const whole = readFileSync(table);
  const damaged = join(folder, "damaged.bin");
  copyFileSync(table, damaged);
  assert.doesNotMatch(lookUp(damaged, ["1.1.1.1"]).answers[0] ?? "", /failed/);
  for (const length of [0, 7, 71, 72, 100, whole.length - 1]) {
    writeFileSync(damaged, whole.subarray(0, length));
    assert.match(lookUp(damaged, ["1.1.1.1"]).answers[0] ?? "", /failed: .*damaged.bin is /);
  }
  for (const at of [0, 8, 12, 16, 20, 24, 72, 90, 1_000, whole.length - 9]) {
    const changed = Buffer.from(whole);
    changed.writeUInt8((changed[at] as number) ^ 0x41, at);
    writeFileSync(damaged, changed);
    assert.match(lookUp(damaged, ["1.1.1.1"]).answers[0] ?? "", /failed: .*damaged.bin is /, `byte ${at}`);
  }
});

function write(name: string, content: Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function borders(): string[] {
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

/** The first and the last address of each block, and their neighbours. */
function around(blocks: readonly string[]): string[] {
  return blocks.flatMap((text) => {
    const [first = "", length] = text.split("/");
    if (first.includes(":"))
      return [first, first.replace(/[0-9a-f]*$/, "ffff"), first.replace(/[0-9a-f]*$/, "0")];
    const start = first.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
    const end = start + 2 ** (32 - Number(length)) - 1;
    return [start - 1, start, start + 1, end - 1, end, end + 1]
      .filter((address) => address >= 0)
      .map((address) => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join("."));
  });
}
