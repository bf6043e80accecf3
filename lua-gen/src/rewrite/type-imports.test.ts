import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "../build.ts";
import { createProject } from "../testing/project.ts";

test("importing and exporting types requires nothing", (t) => {
  const project = createProject({
    "shapes.ts": "export interface Circle { radius: number }\nexport const unit = { radius: 1 };\n",
    "whole.ts": `
      import type { Circle } from "./shapes.ts";
      export type { Circle } from "./shapes.ts";
      export const area = (circle: Circle): number => circle.radius;
    `,
    "inline.ts": `
      import { type Circle, unit } from "./shapes.ts";
      export { type Circle, unit } from "./shapes.ts";
      export const isUnit = (circle: Circle): boolean => circle === unit;
    `,
  });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const lua = (name: string) => readFileSync(join(project.outDir, name), "utf8");
  assert.doesNotMatch(lua("whole.lua"), /require/);
  assert.doesNotMatch(lua("inline.lua"), /Circle/);
  assert.match(lua("inline.lua"), /unit = ____shapes_2Ets\.unit/);
});
