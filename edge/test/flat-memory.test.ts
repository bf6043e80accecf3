import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { compileLua } from "./edge-under-test.ts";

/** Publishes as often as told, each time a policy with blocks, and tells the process's memory in kB. */
const PUBLISH = `
package.path = arg[1] .. "/?.lua"
local compile = require("contract.src.policy.decide").compilePolicy
local blocks, rules = {}, {}
for i = 1, 100 do blocks[i] = "10.0." .. i .. ".0/24" end
for i = 1, 50 do rules[i] = { id = "r" .. i, match = { cidr = blocks }, action = "deny", mode = "enforce" } end
for i = 1, tonumber(arg[2]) do compile({ rules = rules, default = "allow" }) end
for line in io.lines("/proc/self/status") do
  local kilobytes = line:match("^VmRSS:%s*(%d+)")
  if kilobytes then print(kilobytes) end
end
`;

const dist = join(import.meta.dirname, "../dist");

function memoryAfter(publishes: number): number {
  const options = { encoding: "utf8", input: PUBLISH } as const;
  return Number(execFileSync("luajit", ["-", dist, String(publishes)], options));
}

before(compileLua);

test("policies that came and went leave no memory behind", () => {
  const [few, many] = [memoryAfter(10), memoryAfter(200)];
  assert.ok(many < few + 32_000, `${few} kB after 10, ${many} kB after 200`);
});
