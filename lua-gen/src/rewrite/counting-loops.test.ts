import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "../build.ts";
import { runLuajit } from "../testing/luajit.ts";
import { createProject } from "../testing/project.ts";

/** Loops in order; the comment says what each becomes. */
const source = `
const LAST = 4;

export function visit(text: string, list: readonly number[], limit: number): string {
  let seen = "";
  for (let i = 0; i < text.length; i++) seen += "a" + i; // for
  for (let i = 1; i <= LAST; i += 1) seen += "b" + i; // for
  for (let i = 0; i < list.length; ++i) { // for
    if (list[i] === 2) continue;
    if (list[i] === 4) break;
    seen += "c" + list[i];
  }
  for (let i = text.length; i < text.length; i++) seen += "never"; // for
  for (let i = 0; i < limit; i++) seen += "d" + i; // while
  for (let i = 0; i < text.length; i++) { // while
    i += 1;
    seen += "e" + i;
  }
  const grows = [1];
  for (let i = 0; i < grows.length; i++) { // while
    if (i < 3) grows.push(i);
    seen += "f" + i;
  }
  let last = 3;
  for (let i = 0; i < last; i++) { // while
    if (i === 0) last = 2;
    seen += "g" + i;
  }
  const later: ((this: void) => number)[] = [];
  for (let i = 0; i < 3; i++) later.push(() => i); // for
  for (const one of later) seen += "h" + one(); // ipairs
  for (const one of list) { // for
    if (one === 2) continue;
    if (one === 4) break;
    seen += "i" + one;
  }
  for (const one of list) seen += later.concat().length + one; // ipairs
  for (const one of maybe(list)) seen += "j" + one; // ipairs
  return seen;
}

const maybe = (list: readonly number[]): readonly number[] => list;
`;

test("a counting loop is one in Lua where it goes through the same numbers, and only there", async (t) => {
  const project = createProject({ "loops.ts": source });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const lua = readFileSync(join(project.outDir, "loops.lua"), "utf8");
  const wanted = [...source.matchAll(/\/\/ (for|while|ipairs)$/gm)].map(([, kind]) => kind);
  const found = [...lua.matchAll(/^\s*(?:for ____, \w+ in (ipairs)|(for|while) )/gm)].map(
    ([, a, b]) => a ?? b,
  );
  assert.deepEqual(found, wanted);

  const module = (await import(pathToFileURL(project.path("loops.ts")).href)) as { visit: typeof visitType };
  const inputs = [
    ["", [], 0],
    ["xyz", [1, 2, 3, 4, 5], 2.5],
    ["x", [4], -1],
  ] as const;
  for (const [text, list, limit] of inputs) {
    const call = `require("loops").visit("${text}", {${list.join(",")}}, ${limit})`;
    assert.equal(runLuajit(`io.write(${call})`, project.outDir), module.visit(text, list, limit));
  }
});

declare const visitType: (text: string, list: readonly number[], limit: number) => string;
