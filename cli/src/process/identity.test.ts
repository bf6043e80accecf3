import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { identityOf, isAlive } from "./identity.ts";

test("a process is recognised by its start time, not by its number", () => {
  const identity = identityOf(process.pid);
  assert.ok(identity);
  assert.equal(isAlive(process.pid, identity), true);
  assert.equal(isAlive(process.pid, { ...identity, startTicks: "1" }), false);
  assert.equal(isAlive(process.pid, { ...identity, bootId: "another boot" }), false);
});

test("a process that has ended has no identity", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  assert.equal(identityOf(child.pid as number), undefined);
});
