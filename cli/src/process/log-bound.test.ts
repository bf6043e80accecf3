import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { boundLogs } from "./log-bound.ts";
import { testHome } from "./test-home.ts";

test("a log over its limit starts again while its writer goes on, and one copy is kept", () => {
  const { logs } = testHome();
  const path = join(logs, "edge.log");
  const writer = openSync(path, "a");
  try {
    writeSync(writer, "0123456789\n");
    boundLogs(logs, 20);
    assert.equal(existsSync(`${path}.1`), false);
    writeSync(writer, "0123456789\n");
    boundLogs(logs, 20);
    assert.equal(readFileSync(`${path}.1`, "utf8"), "0123456789\n0123456789\n");
    writeSync(writer, "next\n");
    assert.equal(readFileSync(path, "utf8"), "next\n");
  } finally {
    closeSync(writer);
  }
});
