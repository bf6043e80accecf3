import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "../build.ts";
import { runLuajit } from "../testing/luajit.ts";
import { createProject } from "../testing/project.ts";

const source = `
export const template = (a: string, n: number): string => \`<\${a}, \${n}, \${a + n + 1}>\`;
export const sum = (a: string, n: number): string => a + "," + (n + n) + "," + (a + (a + n)) + (n > 1 ? "b" : "c" + n);
`;

test("strings are joined in one chain, to the same text", async (t) => {
  const project = createProject({ "join.ts": source });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const lua = readFileSync(join(project.outDir, "join.lua"), "utf8");
  assert.doesNotMatch(lua, /\(\(/);
  const module: Record<string, (a: string, n: number) => string> = await import(
    pathToFileURL(project.path("join.ts")).href
  );
  for (const name of ["template", "sum"]) {
    for (const n of [0, 1, 7]) {
      const answer = runLuajit(`io.write(require("join").${name}("x", ${n}))`, project.outDir);
      assert.equal(answer, module[name]?.("x", n));
    }
  }
});
