import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { check } from "../build.ts";
import { createProject } from "../testing/project.ts";
import { allowanceCode } from "./allow.ts";
import { ofConfigurations, ofPrograms, rules } from "./rules.ts";

/** Each line of a case that ends in a comment `// LG…` must give just that; all others nothing. */
const cases: Readonly<Record<string, string>> = {
  regex: `
    export const literal = () => /x/; // LG001
    export const constructed = () => new RegExp("x"); // LG001
    export const fine = () => ngx.re.find("x", "x", "jo");
  `,
  async: `
    export const later = async () => {}; // LG002
    export function* generate() { yield 1; } // LG002
    export function fine() { ngx.sleep(1); }
  `,
  exceptions: `
    export function caught() {
      try { return 1; } finally { ngx.say("x"); } // LG003
    }
    export function thrown() {
      throw new Error("x"); // LG003
    }
    export function fine() {
      return pcall(() => error("x"));
    }
  `,
  collections: `
    export const map = new Map<string, number>(); // LG004
    export const set = new Set<string>(); // LG004
    export const fine = new LuaMap<string, number>();
  `,
  shifts: `
    export const unsigned = (n: number) => n >>> 0; // LG005
    export const unknownBits = (n: number, bits: number) => n >>> bits; // LG005
    export const fine = (n: number) => n >>> 8;
  `,
  truthiness: `
    export const text = (s: string | undefined) => (s ? 1 : 2); // LG006
    export const count = (n: number) => n && n > 1; // LG006
    export const anything = (x: unknown) => !x; // LG006
    export const generic = <T>(x: T) => Boolean(x); // LG006
    export const nested = (b: boolean, n: number | undefined) => (b && n ? 1 : 2); // LG006
    export const fineFlag = (b: boolean | undefined, o: object | undefined) => b || !o;
    export const fineLiteral = (x: 1 | "yes" | undefined) => (x ? 1 : 2);
    export const fineCompared = (s: string, n: number) => s !== "" && n !== 0;
  `,
  optionalCall: `
    import * as balancer from "ngx.balancer";
    export const lost = () => balancer.enable_keepalive?.(1, 2); // LG007
    export const fine = () => {
      const enable = balancer.enable_keepalive;
      return enable === undefined ? false : enable(1, 2)[0] === true;
    };
  `,
  remainder: `
    export const difference = (a: number, b: number) => (a - b) % 7; // LG008
    export const negated = (a: number) => -a % 7; // LG008
    export const fine = (a: number) => a % 7;
  `,
  names: `
    export function rewritten(end: string): string { // LG013
      const table = end; // LG013
      return table;
    }
    export function repeat(): void {}
    export const member = { end: 1, type: (self: number): number => self }; // LG013
    export interface Typed { end(type: string): void }
    export type Callback = (this: void, error: string) => void;
  `,
  state: `
    let count = 0; // LG014
    const seen = new LuaSet<string>(); // LG014
    const list: number[] = []; // LG014
    /** @perWorker */
    let cached: string | undefined;
    const constant = { a: 1 };
    const inside = (): number => { let n = 0; n += 1; return n; };
    export function visit(name: string): number {
      count++;
      seen.add(name);
      list[0] = constant.a;
      cached = name;
      return inside() + (cached === undefined ? 0 : 1);
    }
  `,
  hot: `
    /** @perWorker */
    let last = 0;
    /** @perWorker */
    const kept = { address: "" };
    /** @hot */
    export function hot(list: number[], text: string): number {
      const pair = [list.length, 1]; // LG010
      const again = () => text; // LG010
      const made = new LuaTable<string, string>(); // LG010
      const parts = text.split(","); // LG011
      const doubled = list.concat(list); // LG011
      made.set(again(), text.substring(2));
      kept.address = text; // the same table each time
      [last] = [list[0] ?? 0];
      return pair.length + parts.length + doubled.length + last;
    }
    /** @hot */
    export const arrow = (text: string): string => text.trim(); // LG011
    export const fine = (text: string) => [text.split(",")];
  `,
  multi: `
    export const packed = (key: string) => {
      const result = ngx.shared.multi.get(key); // LG012
      if (ngx.shared.multi.delete(key) !== undefined) ngx.say("x");
      return result;
    };
    export function single(key: string): unknown {
      return ngx.shared.multi.incr(key, 1); // LG012
    }
    export function misplaced(): number {
      const values = $multi(1, 2); // LG012
      return values[0];
    }
    export function fine(key: string): LuaMultiReturn<[number, undefined] | [undefined, string]> {
      const [value] = ngx.shared.multi.get(key);
      const second = ngx.shared.multi.get(key)[1];
      ngx.say(tostring(value), tostring(second));
      print(...ngx.shared.multi.incr(key, 1));
      ngx.shared.multi.flush_all();
      if (value === undefined) return $multi(1, undefined);
      return fail();
    }
    function fail(): LuaMultiReturn<[undefined, string]> {
      return $multi(undefined, "it failed");
    }
    declare global { namespace ngx { interface SharedZones { multi: shared.Dict } } }
  `,
  allowances: `
    // lua-gen-allow LG008: callers pass a >= b
    export const allowed = (a: number, b: number) => (a - b) % 7;
    export const sameLine = (a: number, b: number) => (a - b) % 7; // lua-gen-allow LG008: likewise
  `,
};

const project = createProject(
  Object.fromEntries(Object.entries(cases).map(([name, source]) => [`${name}.ts`, source])),
);
after(project.remove);
// One program for all: most of the time goes into reading the standard library.
const { faults } = check({ project: project.dir });

for (const [name, source] of Object.entries(cases)) {
  test(`subset: ${name}`, () => {
    const found = faults
      .filter(({ file }) => file === project.path(`${name}.ts`))
      .map(({ line, code }) => `${line} ${code}`);
    const wanted = source.split("\n").flatMap((line, index) => {
      const code = /\/\/ (LG\d+)$/.exec(line)?.[1];
      return code === undefined ? [] : [`${index + 1} ${code}`];
    });
    assert.deepEqual(found, wanted);
  });
}

test("an allowance without a reason, or without a use, is a fault", (t) => {
  const project = createProject({
    "a.ts": `
      // lua-gen-allow LG008: nothing
      export const a = 1;
      // lua-gen-allow LG008
      export const b = (n: number) => -n % 7;
    `,
  });
  t.after(project.remove);
  const found = check({ project: project.dir }).faults.map(({ line, code }) => `${line} ${code}`);
  assert.deepEqual(found, [`2 ${allowanceCode}`, `4 ${allowanceCode}`]);
});

test("a name that Lua keeps is told from one that it can't spell", () => {
  const messages = faults.filter(({ code }) => code === "LG013").map(({ message }) => message);
  assert.match(messages[0] ?? "", /^"end" is a keyword of Lua\. It would be called ____end in Lua, and in/);
  assert.match(
    messages[1] ?? "",
    /^"table" would hide what Lua itself calls so\. It would be called ____table /,
  );
});

test("the word that makes a function what it may not be is what is shown", () => {
  const columns = faults
    .filter(({ file, code }) => file === project.path("asynchronous.ts") && code === "LG002")
    .map(({ line, column }) => cases.asynchronous?.split("\n")[(line ?? 0) - 1]?.slice((column ?? 0) - 1));
  for (const rest of columns) assert.match(rest ?? "", /^(async|await|\*)/);
});

test("every rule has cases", () => {
  const tried = new Set(Object.values(cases).flatMap((source) => source.match(/LG\d+$/gm) ?? []));
  assert.deepEqual(
    rules.map(({ code }) => code).filter((code) => !tried.has(code)),
    [],
  );
});

test("the README documents each diagnostic under its title, and no other", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const documented = [...readme.matchAll(/^#### (LG\d+): (.+)$/gm)].map(
    ([, code, title]) => `${code}: ${title}`,
  );
  const existing = [...rules, ...ofPrograms, ...ofConfigurations].map(
    ({ code, title }) => `${code}: ${title}`,
  );
  assert.deepEqual(documented, [
    ...existing.toSorted(),
    `${allowanceCode}: Allowance without reason or use`,
    "LG901: No project",
    "LG902: No outDir",
  ]);
});
