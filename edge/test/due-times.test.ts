import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { compileLua } from "./edge-under-test.ts";

const KEYS = 1_000_000;
/** 2^21 slots of 24 bytes: twice as many as keys, rounded up to a power of two. */
const TABLE_KB = (2 ** 21 * 24) / 1024;

let said: Record<string, number[]> = {};

before(async () => {
  await compileLua();
  const script = join(import.meta.dirname, "due-times.lua");
  const output = execFileSync("luajit", [script, join(import.meta.dirname, "../dist"), String(KEYS)], {
    encoding: "utf8",
  });
  said = Object.fromEntries(
    output.split("\n").map((line) => {
      const [name = "", ...figures] = line.split(" ");
      return [name, figures.map(Number)];
    }),
  );
});

test("of a million addresses each has its own count, and next to none has to give way", () => {
  const [first, second, displaced] = said.keys as [number, number, number];
  assert.equal(first, KEYS, "each passes once");
  assert.ok(displaced < KEYS / 100, `${displaced} gave way`);
  // Who had to give way passes again, and takes somebody else's place.
  assert.ok(second <= displaced, `${second} passed twice, ${displaced} gave way`);
});

test("the table takes no more memory than it says, and is used again when what it holds is over", () => {
  const [kilobytes] = said.kilobytes as [number];
  assert.ok(kilobytes < TABLE_KB * 1.1, `${kilobytes} kB`);
  const [others, displaced] = said.later as [number, number];
  assert.equal(others, KEYS);
  const before = (said.keys as number[])[2] as number;
  // Of their own kind, where too many meet: none of those who owe nothing any more is in the way.
  assert.ok(displaced - before < KEYS / 100, `${displaced - before} gave way for them`);
});

test("a lock whose holder was killed goes to the next", () => {
  assert.ok("lock" in said);
});
