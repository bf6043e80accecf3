import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "../build.ts";
import { runLuajit } from "../testing/luajit.ts";
import { createProject } from "../testing/project.ts";

/** Each function with the Lua that it must become, or `undefined` where it must be left to the library. */
const cases: readonly (readonly [name: string, source: string, lua: string | undefined])[] = [
  ["startsLiteral", 's.startsWith("/p")', 'string.sub(s, 1, 2) == "/p"'],
  ["startsAccent", 's.startsWith("é")', 'string.sub(s, 1, 2) == "é"'],
  ["startsEmpty", 's.startsWith("")', 'string.sub(s, 1, 0) == ""'],
  ["startsConst", "s.startsWith(prefix)", "string.sub(s, 1, 6) == prefix"],
  ["startsComputed", "s.startsWith(lower)", "string.sub(s, 1, #lower) == lower"],
  ["startsCall", "s.startsWith(s.slice(1))", undefined],
  ["startsAt", 's.startsWith("a", 1)', undefined],
  ["ends", 's.endsWith("xy")', 'string.sub(s, -2) == "xy"'],
  ["endsEmpty", 's.endsWith("")', undefined],
  ["indexFrom", 's.indexOf("x", 1)', '(string.find(s, "x", 2, true) or 0) - 1'],
  ["indexAfter", 's.indexOf("y", prefix.length - 6)', undefined],
  ["indexFromAny", 's.indexOf("x", n)', undefined],
  ["indexOfEmpty", 's.indexOf("", 1)', undefined],
  ["contains", 's.includes(".")', 'string.find(s, ".", 1, true) ~= nil'],
  ["codeLiteral", "s.charCodeAt(0)", "(string.byte(s, 1) or 0 / 0)"],
  ["codeLast", "s.charCodeAt(s.length - 1)", "(string.byte(s, #s) or 0 / 0)"],
  ["codeCompared", "s.charCodeAt(1) === 97", "string.byte(s, 2) == 97"],
  ["codeAnyIndex", "s.charCodeAt(n)", undefined],
  ["sliceFound", 's.slice(s.indexOf("x") + 1)', "string.sub("],
  ["sliceNotFound", 's.slice(s.indexOf("x"))', undefined],
  ["sliceLengths", "s.slice(s.length, prefix.length)", "string.sub(s, #s + 1, #prefix)"],
  ["sliceAny", "s.slice(n)", undefined],
  ["substringFrom0", "s.substring(0, prefix.length)", "string.sub(s, 1, #prefix)"],
  ["substringOpen", "s.substring(prefix.length - 1)", undefined],
  ["substringSwapped", "s.substring(prefix.length, 1)", undefined],
];

/** What each must answer alike for, in Node and LuaJIT. */
const inputs = ["", "a", "/p", "/paxy", "x.y", "aa", "xy", "prefix-1"];

test("each rewrite gives the Lua that one would write, and the same answers", async (t) => {
  const functions = cases.map(
    ([name, source]) =>
      `export function ${name}(s: string, n: number) { return n === n ? ${source} : false; }`,
  );
  const project = createProject({
    "calls.ts": `const prefix = "prefix";\nconst lower = ["p"].join("");\n${functions.join("\n")}\n`,
  });
  t.after(project.remove);
  // What a case doesn't need of its arguments is no fault here.
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const text = readFileSync(join(project.outDir, "calls.lua"), "utf8");
  for (const [name, , lua] of cases) {
    const start = text.indexOf(`function ____exports.${name}(`);
    const body = text.slice(start, text.indexOf("\nend", start));
    if (lua === undefined) assert.match(body, /__TS__String|math\.max/, name);
    else assert.ok(body.includes(lua), `${name}:\n${body}`);
  }

  const module = (await import(pathToFileURL(project.path("calls.ts")).href)) as Record<
    string,
    (text: string, index: number) => unknown
  >;
  const expected: string[] = [];
  const code = ['local calls = require("calls")'];
  for (const [name] of cases) {
    for (const input of inputs) {
      for (const index of [-2, -1, 0, 1, 9]) {
        expected.push(String(module[name]?.(input, index)).toLowerCase());
        code.push(`print(calls.${name}(${JSON.stringify(input)}, ${index}))`);
      }
    }
  }
  const answers = runLuajit(code.join("\n"), project.outDir).trimEnd().split("\n");
  assert.deepEqual(
    answers.map((answer) => answer.replace("-nan", "nan")),
    expected,
  );
});

test("an index is proved by how its variable moves", (t) => {
  const source = `
    export function counted(s: string): number {
      let sum = 0;
      for (let i = 0; i < s.length; i++) sum += s.charCodeAt(i);
      return sum;
    }
    export function stepped(s: string): number {
      let at = 0;
      let sum = 0;
      while (at < s.length) {
        sum += s.charCodeAt(at);
        at = at + 2;
      }
      return sum;
    }
    export function backwards(s: string): number {
      let sum = 0;
      for (let i = s.length - 1; i >= 0; i--) sum += s.charCodeAt(i);
      return sum;
    }
    export function assigned(s: string, n: number): number {
      let i = 0;
      i = n;
      return s.charCodeAt(i);
    }
    export function guarded(s: string): string {
      const dot = s.indexOf(".");
      if (dot <= 0) return "";
      const next = s.indexOf(".", dot + 1);
      if (next === -1) return s.slice(0, dot);
      return next >= 0 ? s.slice(dot + 1, next) : s.slice(0, next + 1);
    }
    export function unguarded(s: string): string {
      const dot = s.indexOf(".");
      if (dot > 3) return s.slice(0, dot);
      return s.slice(0, dot);
    }
    export function guardedElsewhere(s: string): () => string {
      const dot = s.indexOf(".");
      if (dot === -1) return () => "";
      return () => s.slice(dot);
    }
    export function guardsNamesake(s: string, n: number): string {
      const at = n;
      if (at < 0) return "";
      {
        const at = s.indexOf("x");
        return s.slice(at);
      }
    }
    export function destructured(s: string, n: number): number {
      let i = 0;
      [i] = [n];
      return s.charCodeAt(i);
    }
  `;
  const project = createProject({ "indexes.ts": source });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const text = readFileSync(join(project.outDir, "indexes.lua"), "utf8");
  const usesLibrary = (name: string): boolean => {
    const start = text.indexOf(`function ____exports.${name}(`);
    return text.slice(start, text.indexOf("\nend", start)).includes("__TS__String");
  };
  const names = [...source.matchAll(/function (\w+)/g)].map(([, name = ""]) => name);
  assert.deepEqual(
    names.filter((name) => !usesLibrary(name)),
    ["counted", "stepped", "guarded"],
  );
});
