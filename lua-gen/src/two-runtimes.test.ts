import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "./build.ts";
import { runLuajit } from "./testing/luajit.ts";
import { createProject } from "./testing/project.ts";

/** Prints one answer on each line; the differences that matter are in the cases. */
const source = `
  export function answers(): string {
    const out: string[] = [];
    const say = (text: string) => { out.push(text); };

    for (const n of [0, 1, 255, 256, 65535, 4294967295]) say(\`\${n % 256} \${Math.floor(n / 256)}\`);
    for (const n of [5, 2147483648, 4294967295]) say(\`\${n & 255} \${n | 0} \${n ^ 3} \${n << 4} \${n >> 1} \${n >>> 1}\`);

    for (const text of ["", "a", "abc", "/products/12", "no,comma"]) {
      let codes = 0;
      for (let i = 0; i < text.length; i++) codes = codes * 3 + text.charCodeAt(i);
      say(\`\${text.length} \${codes} \${text.indexOf("/")} \${text.slice(1)} \${text.slice(0, 2)} \${text.toUpperCase()}\`);
      say(\`\${text.startsWith("/pro")} \${text.startsWith("")} \${text.endsWith("12")} \${text.includes(",")} \${text.split(",").length}\`);
      say(text.charCodeAt(0) === 97 ? "starts with a" : "does not");
    }

    const list = [3, 1, 2];
    list.push(4);
    say(\`\${list.length} \${list[0]} \${list.join("-")} \${list.indexOf(2)}\`);
    let empty: number | undefined;
    say(empty === undefined ? "absent" : "present");
    empty = 0;
    say(empty === undefined ? "absent" : "present");
    say(\`\${empty ?? 7} \${[1, 2].map((n) => n * 2).join(",")}\`);
    return out.join("\\n");
  }
`;

test("the same source answers the same in Node and in LuaJIT", async (t) => {
  const project = createProject({ "answers.ts": source });
  t.after(project.remove);
  assert.deepEqual(build({ project: project.dir }).faults, []);
  const module = (await import(pathToFileURL(project.path("answers.ts")).href)) as { answers(): string };
  const lua = runLuajit('io.write(require("answers").answers())', join(project.outDir));
  assert.deepEqual(lua.split("\n"), module.answers().split("\n"));
});
