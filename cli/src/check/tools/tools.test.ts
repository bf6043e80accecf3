import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { openTree } from "../tree.ts";
import { writeTree } from "../written-tree.ts";
import { edgeCompiles } from "./edge.ts";
import { styleHolds } from "./style.ts";
import { typesHold } from "./types.ts";

const repository = resolve(import.meta.dirname, "../../../..");
const biomeJson = openTree(repository).read("biome.json");

test("a type error is reported with its place", async () => {
  using tree = writeTree({
    "tsconfig.json":
      '{ "compilerOptions": { "noEmit": true, "strict": true, "types": [] }, "include": ["."] }',
    "a.ts": 'const sound: number = 1;\nexport const broken: number = "two";\nexport { sound };\n',
  });
  const findings = await typesHold.run(tree);
  assert.equal(findings.length, 1);
  assert.equal(findings[0]?.place, "a.ts:2");
  assert.match(findings[0]?.message ?? "", /TS2322/);
});

test("edge code that cannot become Lua is reported with its place", async () => {
  using tree = writeTree({
    "edge/tsconfig.json": JSON.stringify({
      extends: "lua-gen/tsconfig.lua.json",
      compilerOptions: { rootDir: "..", outDir: "dist" },
      include: ["src"],
    }),
    "edge/src/a.ts": "export const sound = 1;\nexport const broken: string = 2;\n",
  });
  symlinkSync(join(repository, "node_modules"), join(tree.root, "node_modules"));
  const findings = await edgeCompiles.run(tree);
  assert.deepEqual(
    findings.map(({ place }) => place),
    ["edge/src/a.ts:2"],
  );
});

interface StyleRow {
  name: string;
  path?: string;
  text: string;
  finding: RegExp;
}

const lines = (count: number, line: string) => `${line}\n`.repeat(count);

const styleRows: StyleRow[] = [
  { name: "a default export", text: "export default 1;\n", finding: /noDefaultExport/ },
  { name: "format", text: "export const a = 'one'\n", finding: /format/ },
  { name: "a file name in camel case", path: "aB.ts", text: "export const a = 1;\n", finding: /Filenaming/ },
  {
    name: "process.env outside a configuration file",
    text: "export const home = process.env.HOME;\n",
    finding: /noProcessEnv/,
  },
  {
    name: "a function of more than 70 lines",
    text: `export function long(): void {\n${lines(71, '  console.log("x");')}}\n`,
    finding: /noExcessiveLinesPerFunction/,
  },
  {
    name: "a file of more than 300 lines",
    text: lines(301, "console.log(1);"),
    finding: /noExcessiveLinesPerFile/,
  },
  {
    name: "a barrel",
    path: "index.ts",
    text: 'export { a } from "./b.ts";\n',
    finding: /noBarrelFile/,
  },
  {
    name: "a promise that nobody waits for",
    text: "async function run(): Promise<void> {}\n\nexport function start(): void {\n  run();\n}\n",
    finding: /noFloatingPromises/,
  },
];

for (const { name, path = "a.ts", text, finding } of styleRows) {
  test(`style reports ${name}`, async () => {
    using tree = writeTree({ "biome.json": biomeJson, [path]: text });
    const findings = await styleHolds.run(tree);
    assert.ok(
      findings.some((one) => one.place.startsWith(`${path}:`) && finding.test(one.message)),
      JSON.stringify(findings),
    );
  });
}

test("style reports nothing where nothing is wrong, and the configuration may read the environment", async () => {
  using tree = writeTree({
    "biome.json": biomeJson,
    "config.ts": "export const home = process.env.HOME;\n",
  });
  assert.deepEqual(await styleHolds.run(tree), []);
});
