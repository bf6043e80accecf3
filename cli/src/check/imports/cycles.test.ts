import assert from "node:assert/strict";
import { test } from "node:test";
import { writeTree } from "../written-tree.ts";
import { cyclesIn, noCycles } from "./cycles.ts";

test("a cycle through three files is shown as the way around", async () => {
  using tree = writeTree({
    "a.ts": 'import "./b.ts";\n',
    "b.ts": 'import type { C } from "./c.ts";\nexport type B = C;\n',
    "c.ts": 'export type C = number;\nexport * from "./a.ts";\n',
    "d.ts": 'import "./a.ts";\nimport "./c.ts";\n',
  });
  const findings = await noCycles.run(tree);
  assert.deepEqual(
    findings.map(({ place }) => place),
    ["a.ts"],
  );
  assert.match(findings[0]?.message ?? "", /b\.ts → c\.ts → a\.ts/);
});

test("two ways to one file are no cycle", () => {
  const edges = new Map([
    ["a", ["b", "c"]],
    ["b", ["d"]],
    ["c", ["d"]],
  ]);
  assert.deepEqual(cyclesIn(edges), []);
});

test("a file that imports itself is a cycle", () => {
  assert.deepEqual(cyclesIn(new Map([["a", ["a"]]])), [["a"]]);
});
