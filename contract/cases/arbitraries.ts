/** Addresses and blocks for properties, and how a property is run: always with a seed that can be given again. */
import type { TestContext } from "node:test";
import fc from "fast-check";
import { blockOf } from "./plain-model.ts";

/** Set SLUICE_SEED to the number that a failure prints, and the same cases come again. */
const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 0x7fff_ffff);
const RUNS = 1000;

export const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6(), sparseIpv6());

/** Mostly no address, but nearly one. */
export const nearlyAddress = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.string({ unit: fc.constantFrom(..."::::...0123459afAFgx%/ -"), maxLength: 48 }),
  },
  { weight: 2, arbitrary: fc.tuple(anyAddress, fc.nat(), fc.constantFrom(..."::.0f25x%")).map(disturbed) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }).filter(isOneWord) },
);

/** `address/length`; a few of them, mapped addresses with a short prefix, are no blocks. */
export const anyCidr = fc.oneof(closeAddress(), anyAddress).chain((text) => {
  const max = text.includes(":") ? 128 : 32;
  return fc.integer({ min: 0, max }).map((length) => `${text}/${length}`);
});

export const anyBlock = anyCidr.filter((text) => blockOf(text) !== undefined);

export async function holds<T>(
  t: TestContext,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
): Promise<void> {
  t.diagnostic(`seed ${seed}`);
  await fc.assert(fc.asyncProperty(arbitrary, check), { seed, numRuns: RUNS });
}

/** From a small part of each family, so that blocks and addresses meet. */
export function closeAddress(): fc.Arbitrary<string> {
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

/** Few values in each group, so that runs of zeros of every length and place occur. */
function sparseIpv6(): fc.Arbitrary<string> {
  const group = fc.constantFrom("0", "0", "0", "ffff", "1", "00A0");
  return fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":"));
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
