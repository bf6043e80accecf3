import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { identityOf } from "./identity.ts";
import { type OwnedProcess, startProcess } from "./owned-process.ts";
import { untilReady } from "./ready.ts";
import { livingRecord } from "./record.ts";
import { stopRecorded } from "./stop-recorded.ts";
import { testHome } from "./test-home.ts";

const home = testHome();

const DEAF = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("ready");`;
const PARENT = `
  const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  console.log("child " + child.pid);
  setInterval(() => {}, 1000);`;

function node(name: string, script: string): Promise<OwnedProcess> {
  return startProcess({ name, command: process.execPath, args: ["-e", script], home, stopGraceMs: 200 });
}

function logShows(owned: OwnedProcess, pattern: RegExp): Promise<void> {
  return untilReady(owned, 10_000, async () => assert.match(owned.log(), pattern));
}

test("its pid file stands for as long as it runs", async () => {
  const owned = await node("steady", "setInterval(() => {}, 1000)");
  assert.equal(readFileSync(join(home.run, "steady.pid"), "utf8"), `${owned.pid}\n`);
  assert.equal(livingRecord(home, "steady")?.pid, owned.pid);
  await owned.stop();
  assert.equal(existsSync(join(home.run, "steady.pid")), false);
  assert.equal(livingRecord(home, "steady"), undefined);
});

test("one that ignores SIGTERM is killed when its grace is over", async () => {
  const owned = await node("deaf", DEAF);
  await logShows(owned, /ready/);
  await owned.stop();
  assert.equal(await owned.exited, "killed by SIGKILL");
});

test("what a killed process leaves behind ends with it", async () => {
  const owned = await node("parent", PARENT);
  await logShows(owned, /child \d+/);
  const child = Number(/child (\d+)/.exec(owned.log())?.[1]);
  assert.ok(identityOf(child));
  process.kill(owned.pid, "SIGKILL");
  await owned.exited;
  while (identityOf(child)) await new Promise(setImmediate);
});

test("a start that fails names the log and shows its last lines", async () => {
  const owned = await node("broken", `console.error("the disk is full"); process.exit(3)`);
  await assert.rejects(
    untilReady(owned, 10_000, () => Promise.reject(new Error("not yet"))),
    (error: Error) =>
      /exit code 3/.test(error.message) && /broken\.log\n {2}\| the disk is full/.test(error.message),
  );
});

test("a program that does not exist is said to be missing", async () => {
  const missing = startProcess({ name: "missing", command: "/nowhere/program", args: [], home });
  await assert.rejects(missing, /missing can't be started: .*ENOENT/);
});

test("a later command finds and stops a process by its record", async () => {
  const owned = await node("recorded", DEAF);
  await logShows(owned, /ready/);
  assert.equal(await stopRecorded(home, "recorded", 200), true);
  assert.equal(await owned.exited, "killed by SIGKILL");
  assert.equal(await stopRecorded(home, "recorded", 200), false);
});
