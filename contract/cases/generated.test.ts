/**
 * Cases that nobody thought of, put to both runtimes. What is right is said by something that is not ours:
 * Node's own address parser, or a search in big integers that is too plain to be wrong.
 */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../src/policy/address.ts";
import { askBoth, useRuntimes } from "./both-runtimes.ts";

useRuntimes();

/** Set SLUICE_SEED to the number that a failure prints, and the same cases come again. */
const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 0x7fff_ffff);

const ipv4 = fc.ipV4();
const ipv6 = fc.oneof(fc.ipV6(), sparseIpv6());
const address = fc.oneof(ipv4, ipv6);
const nearlyAddress = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.string({ unit: fc.constantFrom(..."::::...0123459afAFgx%/ -"), maxLength: 48 }),
  },
  { weight: 2, arbitrary: fc.tuple(address, fc.nat(), fc.constantFrom(..."::.0f25x%")).map(disturbed) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }).filter(isOneWord) },
);
const lengthOf = (text: string) => fc.integer({ min: 0, max: text.includes(":") ? 128 : 32 });
const cidr = fc
  .oneof(closeAddress(), address)
  .chain((text) => lengthOf(text).map((length) => `${text}/${length}`));

test("both read the same addresses, and those that Node reads", async (t) => {
  await holds(t, fc.oneof(address, nearlyAddress), async (text) => {
    const [[node = ""], [lua]] = await askBoth([`address\t${text}`]);
    assert.equal(lua, node);
    // Node takes zone ids, which name an interface of one host; we refuse them.
    assert.equal(node !== "refused", isIP(text) !== 0 && !text.includes("%"), text);
  });
});

test("what is written is read again as the same address", async (t) => {
  await holds(t, address, async (text) => {
    const parsed = parseAddress(text);
    assert.ok(parsed);
    assert.deepEqual(parseAddress(formatAddress(parsed)), parsed);
    assert.equal(isIP(formatAddress(parsed)), parsed.family);
  });
});

test("both clear the same host bits, and those that big integers clear", async (t) => {
  await holds(t, cidr, async (text) => {
    const [[node = ""], [lua]] = await askBoth([`cidr\t${text}`]);
    assert.equal(lua, node);
    if (node === "refused") {
      assert.match(text, /^(::ffff:|0{0,4}:)/i, "only a mapped address with a short prefix is refused");
      return;
    }
    assert.deepEqual(blockOf(node), blockOf(text));
  });
});

test("both find the same block, and the one that a search through all finds", async (t) => {
  const scenario = fc.record({
    blocks: fc.array(cidr.filter(isBlock), { maxLength: 12 }),
    removed: fc.array(fc.nat({ max: 11 }), { maxLength: 4 }),
    probes: fc.array(fc.oneof(closeAddress(), address), { minLength: 1, maxLength: 8 }),
  });
  await holds(t, scenario, async ({ blocks, removed, probes }) => {
    const gone = new Set(
      removed.flatMap((index) => (index < blocks.length ? [blocks[index] as string] : [])),
    );
    const questions = [
      "reset",
      ...blocks.map((block, index) => `list\tdeny\t${block}\t${index + 1}\t0`),
      ...[...gone].map((block) => `unlist\tdeny\t${block}`),
      ...probes.map((probe) => `find\tdeny\t${probe}\t0`),
    ];
    const [node, lua] = await askBoth(questions);
    assert.deepEqual(lua, node);
    const expected = probes.map((probe) => longestMatch(blocks, gone, probe));
    assert.deepEqual(node.slice(-probes.length), expected);
  });
});

test("both decide alike, step by step", async (t) => {
  const countries = ["DE", "FR", "US", "ZZ"];
  const methods = ["GET", "POST", "DELETE"];
  const prefixes = ["/", "/a", "/a/b", "/ä", "/a b"];
  const some = (values: string[]) =>
    fc.oneof(fc.constant("-"), fc.subarray(values, { minLength: 1 }).map(String));
  const rule = fc
    .tuple(
      fc.constantFrom("allow", "deny"),
      fc.constantFrom("enforce", "observe"),
      fc.constantFrom("-", "404", "451"),
      some(countries),
      some(methods),
      fc.constantFrom("-", ...prefixes),
    )
    .map((parts) => parts.join("\t"));
  const request = fc
    .tuple(
      closeAddress(),
      fc.constantFrom(...countries),
      fc.constantFrom(...methods),
      fc.constantFrom(...prefixes, "/ab", "/äöü", ""),
    )
    .map((parts) => `decide\t${parts.join("\t")}\t1000`);
  const listed = fc
    .tuple(fc.constantFrom("allow", "deny"), cidr.filter(isBlock), fc.constantFrom("0", "999", "1001"))
    .map(([list, block, end]) => `list\t${list}\t${block}\t1\t${end}`);
  const scenario = fc.tuple(
    fc.array(listed, { maxLength: 4 }),
    fc.array(rule, { maxLength: 6 }),
    fc.constantFrom("allow", "deny"),
    fc.array(request, { minLength: 1, maxLength: 6 }),
  );
  await holds(t, scenario, async ([lists, rules, fallback, requests]) => {
    const [node, lua] = await askBoth([
      "reset",
      ...lists,
      ...rules.map((text, index) => `rule\trule-${index}\t${text}`),
      `default\t${fallback}`,
      ...requests,
      "observed",
    ]);
    assert.deepEqual(lua, node);
    for (const decided of node.slice(-requests.length - 1, -1))
      assert.match(decided, /^(allow 0|deny 4\d\d) /);
  });
});

async function holds<T>(
  t: TestContext,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
): Promise<void> {
  t.diagnostic(`seed ${seed}`);
  await fc.assert(fc.asyncProperty(arbitrary, check), { seed, numRuns: 1000 });
}

/** Few values in each group, so that runs of zeros of every length and place occur. */
function sparseIpv6(): fc.Arbitrary<string> {
  const group = fc.constantFrom("0", "0", "0", "ffff", "1", "00A0");
  return fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":"));
}

/** From a small part of each family, so that blocks and addresses meet. */
function closeAddress(): fc.Arbitrary<string> {
  const octet = fc.constantFrom("0", "1", "127", "128", "255");
  const dotted = fc
    .tuple(fc.constantFrom("10", "128"), octet, octet, octet)
    .map((octets) => octets.join("."));
  const last = fc.constantFrom("0", "1", "8000", "ffff");
  const groups = fc.tuple(last, last, last).map(([x, y, z]) => `2001:db8:0:${x}:0:0:${y}:${z}`);
  return fc.oneof(
    dotted,
    dotted.map((text) => `::ffff:${text}`),
    groups,
  );
}

function disturbed([text, at, character]: [string, number, string]): string {
  const index = at % (text.length + 1);
  const rest = text.slice(index + (at % 3 === 0 ? 0 : 1));
  return text.slice(0, index) + (at % 5 === 0 ? "" : character) + rest;
}

/** Questions are lines, and their parts are separated by tabs. */
function isOneWord(text: string): boolean {
  return !/[\t\r\n\0\u2028\u2029\u0085]/.test(text);
}

function isBlock(text: string): boolean {
  return blockOf(text) !== undefined;
}

interface Block {
  family: number;
  bits: bigint;
  length: number;
}

/** Reads a block in big integers, by way of the URL parser of Node, which expands IPv6 addresses. */
function blockOf(text: string): Block | undefined {
  const [written = "", suffix] = text.split("/");
  const whole = bitsOf(written);
  let length = suffix === undefined ? whole.width : Number(suffix);
  if (whole.width === 32 && written.includes(":") && suffix !== undefined) length -= 96;
  if (length < 0) return undefined;
  const hostBits = BigInt(whole.width - length);
  return { family: whole.width, bits: (whole.bits >> hostBits) << hostBits, length };
}

function bitsOf(text: string): { width: number; bits: bigint } {
  if (!text.includes(":")) {
    return { width: 32, bits: text.split(".").reduce((bits, octet) => bits * 256n + BigInt(octet), 0n) };
  }
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...gap, ...right];
  const bits = groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
  return bits >> 32n === 0xffffn ? { width: 32, bits: bits & 0xffff_ffffn } : { width: 128, bits };
}

function longestMatch(blocks: readonly string[], gone: ReadonlySet<string>, probe: string): string {
  const address = bitsOf(probe);
  const goneKeys = new Set([...gone].map(keyOf));
  let best: { id: number; length: number } | undefined;
  for (const [index, text] of blocks.entries()) {
    const block = blockOf(text);
    if (block === undefined || block.family !== address.width || goneKeys.has(keyOf(text))) continue;
    const hostBits = BigInt(block.family - block.length);
    const holdsIt = address.bits >> hostBits === block.bits >> hostBits;
    // A later entry for the same block replaces the earlier one.
    if (holdsIt && (best === undefined || block.length >= best.length)) {
      best = { id: index + 1, length: block.length };
    }
  }
  return best === undefined ? "none" : String(best.id);
}

function keyOf(text: string): string {
  const block = blockOf(text);
  return block === undefined ? text : `${block.family} ${block.bits} ${block.length}`;
}
