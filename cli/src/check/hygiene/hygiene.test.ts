import assert from "node:assert/strict";
import { test } from "node:test";
import type { Check } from "../check.ts";
import { writeTree } from "../written-tree.ts";
import { noEmptyCatch } from "./empty-catch.ts";
import { noVagueNames } from "./names.ts";
import { testsAssert } from "./test-assertions.ts";

interface Row {
  name: string;
  check: Check;
  files: Record<string, string>;
  places: string[];
}

const rows: Row[] = [
  {
    name: "vague names of files and folders",
    check: noVagueNames,
    files: {
      "a/utils/b.ts": "",
      "a/string-helpers.ts": "",
      "a/manager.test.ts": "",
      "a/commons.ts": "",
      "a/shared-dictionary.md": "",
    },
    places: ["a/manager.test.ts", "a/string-helpers.ts", "a/utils/b.ts"],
  },
  {
    name: "catch clauses that do nothing",
    check: noEmptyCatch,
    files: {
      "a.ts": "try {\n  run();\n} catch {\n  // never mind\n}\n",
      "b.ts": "try {\n  run();\n} catch (error) {\n  throw error;\n}\n",
    },
    places: ["a.ts:3"],
  },
  {
    name: "test files that cannot fail",
    check: testsAssert,
    files: {
      "a.test.ts": 'test("runs", () => run());\n',
      "b.test.ts": 'test("runs", () => assert.equal(run(), 1));\n',
      "c.test.ts": "test('properties', () => assertSame(1, 2)); // expect nothing else\n",
      "d.test.ts": 'test("assert is only spoken of", () => run("assert(1)"));\n',
    },
    places: ["a.test.ts", "d.test.ts"],
  },
];

for (const { name, check, files, places } of rows) {
  test(`${name} are reported`, async () => {
    using tree = writeTree(files);
    const found = await check.run(tree);
    assert.deepEqual(
      found.map(({ place }) => place),
      places,
    );
  });
}
