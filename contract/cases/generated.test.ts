/**
 * Cases that nobody thought of, put to both runtimes. What is right is said by something that is not ours:
 * Node's own address parser, or a model that is too plain to be wrong.
 */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../src/policy/address.ts";
import { anyAddress, anyBlock, anyCidr, closeAddress, holds, nearlyAddress } from "./arbitraries.ts";
import { askBoth, useRuntimes } from "./both-runtimes.ts";
import { blockOf, keyOf, longestMatch } from "./plain-model.ts";

useRuntimes();

test("both read the same addresses, and those that Node reads", async (t) => {
  await holds(t, fc.oneof(anyAddress, nearlyAddress), async (text) => {
    const [[node = ""], [lua]] = await askBoth([`address\t${text}`]);
    assert.equal(lua, node);
    // Node takes zone ids, which name an interface of one host; we refuse them.
    assert.equal(node !== "refused", isIP(text) !== 0 && !text.includes("%"), text);
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

test("both clear the same host bits, and those that big integers clear", async (t) => {
  await holds(t, anyCidr, async (text) => {
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
    blocks: fc.array(anyBlock, { maxLength: 12 }),
    removed: fc.array(fc.nat({ max: 11 }), { maxLength: 4 }),
    probes: fc.array(fc.oneof(closeAddress(), anyAddress), { minLength: 1, maxLength: 8 }),
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
    const goneKeys = new Set([...gone].map(keyOf));
    const left = blocks
      .map((block, index) => ({ block, id: index + 1 }))
      .filter(({ block }) => !goneKeys.has(keyOf(block)));
    const leftBlocks = left.map(({ block }) => block);
    const expected = probes.map((probe) => String(left[longestMatch(leftBlocks, probe)]?.id ?? "none"));
    assert.deepEqual(node.slice(-probes.length), expected);
  });
});
