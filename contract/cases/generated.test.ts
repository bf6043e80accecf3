/**
 * Cases that nobody thought of, put to every runtime. What is right is said by something that is not ours:
 * Node's own address parser, or a model that is too plain to be wrong.
 */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../src/policy/address.ts";
import { anyAddress, anyBlock, anyCidr, closeAddress, holds, nearlyAddress } from "./arbitraries.ts";
import { inEveryRuntime } from "./in-every-runtime.ts";
import { blockOf, keyOf, longestMatch } from "./plain-model.ts";

const { agree } = inEveryRuntime();

test("all read the same addresses, and those that Node reads", async (t) => {
  await holds(t, fc.oneof(anyAddress, nearlyAddress), async (text) => {
    const [answer = ""] = await agree([`address\t${text}`]);
    // Node takes zone ids, which name an interface of one host; we refuse them.
    assert.equal(answer !== "refused", isIP(text) !== 0 && !text.includes("%"), text);
  });
});

test("what is written is read again as the same address", async (t) => {
  await holds(t, anyAddress, async (text) => {
    const parsed = parseAddress(text);
    assert.ok(parsed);
    assert.deepEqual(parseAddress(formatAddress(parsed)), parsed);
    assert.equal(isIP(formatAddress(parsed)), parsed.family);
  });
});

test("all clear the same host bits, and those that big integers clear", async (t) => {
  await holds(t, anyCidr, async (text) => {
    const [answer = ""] = await agree([`cidr\t${text}`]);
    if (answer === "refused") {
      assert.match(text, /^(::ffff:|0{0,4}:)/i, "only a mapped address with a short prefix is refused");
      return;
    }
    assert.deepEqual(blockOf(answer), blockOf(text));
  });
});

test("all find the same block, and the one that a search through all finds", async (t) => {
  const scenario = fc.record({
    blocks: fc.array(anyBlock, { maxLength: 12 }),
    removed: fc.array(fc.nat({ max: 11 }), { maxLength: 4 }),
    probes: fc.array(fc.oneof(closeAddress(), anyAddress), { minLength: 1, maxLength: 8 }),
  });
  await holds(t, scenario, async ({ blocks, removed, probes }) => {
    const gone = new Set(
      removed.flatMap((index) => (index < blocks.length ? [blocks[index] as string] : [])),
    );
    const questions = [
      ...blocks.map((block, index) => `list\tdeny\t${block}\t${index + 1}\t0`),
      ...[...gone].map((block) => `unlist\tdeny\t${block}`),
      ...probes.map((probe) => `find\tdeny\t${probe}\t0`),
    ];
    const answers = await agree(questions);
    const goneKeys = new Set([...gone].map(keyOf));
    const left = blocks
      .map((block, index) => ({ block, id: index + 1 }))
      .filter(({ block }) => !goneKeys.has(keyOf(block)));
    const leftBlocks = left.map(({ block }) => block);
    const expected = probes.map((probe) => String(left[longestMatch(leftBlocks, probe)]?.id ?? "none"));
    assert.deepEqual(answers.slice(-probes.length), expected);
  });
});
