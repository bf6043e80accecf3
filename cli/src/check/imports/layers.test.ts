import assert from "node:assert/strict";
import { test } from "node:test";
import { writeTree } from "../written-tree.ts";
import { layersHold } from "./layers.ts";

const CONTEXT = "origin/src/contexts/catalog";

interface Row {
  from: string;
  to: string;
  refused?: RegExp;
}

/** The dependency rules of the design, each with an import that breaks it and its neighbour that does not. */
const rows: Row[] = [
  { from: "contract/src/a.ts", to: "contract/src/policy/b.ts" },
  { from: "contract/src/a.ts", to: "lua-gen/src/b.ts", refused: /contract imports nothing of ours/ },
  { from: "origin/src/kernel/a.ts", to: "origin/src/kernel/b.ts" },
  { from: "origin/src/kernel/a.ts", to: "contract/src/b.ts", refused: /kernel imports nothing of ours/ },
  { from: "edge/src/a.ts", to: "contract/src/b.ts" },
  { from: "edge/src/a.ts", to: "origin/src/kernel/b.ts", refused: /never import each other/ },
  { from: "edge/nginx.ts", to: "origin/src/config.ts", refused: /never import each other/ },
  { from: "origin/src/platform/a.ts", to: "edge/routes.ts", refused: /knows none/ },
  { from: "origin/src/platform/a.ts", to: `${CONTEXT}/public.ts`, refused: /knows none/ },
  { from: `${CONTEXT}/domain/a.ts`, to: `${CONTEXT}/domain/b.ts` },
  { from: `${CONTEXT}/domain/a.ts`, to: "origin/src/kernel/b.ts" },
  { from: `${CONTEXT}/domain/a.ts`, to: `${CONTEXT}/application/b.ts`, refused: /domain knows its own/ },
  { from: `${CONTEXT}/domain/a.ts`, to: "origin/src/platform/b.ts", refused: /without a database/ },
  { from: `${CONTEXT}/application/a.ts`, to: `${CONTEXT}/domain/b.ts` },
  { from: `${CONTEXT}/application/a.ts`, to: `${CONTEXT}/infrastructure/b.ts`, refused: /declare ports/ },
  { from: `${CONTEXT}/application/a.ts`, to: "origin/src/platform/mysql/b.ts", refused: /declare ports/ },
  { from: `${CONTEXT}/infrastructure/a.ts`, to: "origin/src/platform/mysql/b.ts" },
  { from: `${CONTEXT}/infrastructure/a.ts`, to: `${CONTEXT}/application/b.ts` },
  { from: `${CONTEXT}/infrastructure/a.ts`, to: `${CONTEXT}/interface/b.ts`, refused: /implement their own/ },
  { from: `${CONTEXT}/interface/a.ts`, to: `${CONTEXT}/application/b.ts` },
  { from: `${CONTEXT}/interface/a.ts`, to: `${CONTEXT}/infrastructure/b.ts`, refused: /own application/ },
  { from: `${CONTEXT}/interface/a.ts`, to: `${CONTEXT}/domain/b.ts`, refused: /own application/ },
  { from: `${CONTEXT}/application/a.ts`, to: "origin/src/contexts/ordering/public.ts" },
  { from: `${CONTEXT}/application/a.ts`, to: "origin/src/contexts/ordering/domain/b.ts", refused: /declare/ },
  { from: `${CONTEXT}/module.ts`, to: `${CONTEXT}/infrastructure/b.ts` },
  { from: `${CONTEXT}/module.ts`, to: "origin/src/contexts/ordering/module.ts", refused: /public.ts of/ },
  { from: `${CONTEXT}/public.ts`, to: `${CONTEXT}/infrastructure/b.ts`, refused: /no wiring/ },
  { from: "origin/src/compose.ts", to: `${CONTEXT}/module.ts` },
  { from: "origin/src/compose.ts", to: `${CONTEXT}/infrastructure/b.ts`, refused: /modules' business/ },
  { from: "origin/src/main.ts", to: `${CONTEXT}/module.ts`, refused: /only compose.ts imports module.ts/ },
  { from: "test/src/a.ts", to: "origin/src/kernel/b.ts", refused: /from outside/ },
  { from: "origin/src/a.test.ts", to: `${CONTEXT}/infrastructure/b.ts` },
  { from: "origin/src/a.test.ts", to: "edge/routes.ts", refused: /not in tests either/ },
];

for (const { from, to, refused } of rows) {
  test(`${from} ${refused === undefined ? "may" : "may not"} import ${to}`, async () => {
    const up = "../".repeat(from.split("/").length - 1);
    using tree = writeTree({ [from]: `import "${up}${to}";\n`, [to]: "export const b = 1;\n" });
    const messages = (await layersHold.run(tree)).map(({ place, message }) => `${place} ${message}`);
    if (refused === undefined) assert.deepEqual(messages, []);
    else {
      assert.equal(messages.length, 1);
      assert.match(messages[0] as string, refused);
      assert.ok(messages[0]?.startsWith(`${from}:1 `), messages[0]);
    }
  });
}

test("a type-only import and a dynamic import count like any other", async () => {
  using tree = writeTree({
    "edge/src/a.ts": 'import type { B } from "../../origin/src/b.ts";\nexport const b: B = 1;\n',
    "edge/src/c.ts": 'export const load = () => import("../../origin/src/b.ts");\n',
    "origin/src/b.ts": "export type B = number;\n",
  });
  const places = (await layersHold.run(tree)).map(({ place }) => place);
  assert.deepEqual(places, ["edge/src/a.ts:1", "edge/src/c.ts:1"]);
});

test("the contract may not import packages", async () => {
  using tree = writeTree({ "contract/src/a.ts": 'import "node:fs";\nimport "fastify";\n' });
  assert.equal((await layersHold.run(tree)).length, 2);
});

test("a file in no layer is reported", async () => {
  using tree = writeTree({ "elsewhere/a.ts": "export const a = 1;\n" });
  assert.match((await layersHold.run(tree))[0]?.message ?? "", /stands in no layer/);
});
