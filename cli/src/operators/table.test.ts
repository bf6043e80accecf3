import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable } from "./table.ts";

test("columns are as wide as they must be, and numbers stand at the right", () => {
  const rows = [
    ["no-kp", 5],
    ["a", 1_200],
  ];
  assert.equal(formatTable(["rule", "n"], rows), "rule      n\nno-kp     5\na      1200");
  assert.equal(formatTable(["rule", "n"], []), "rule  n");
});
