import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Redis } from "ioredis";
import { startProcess } from "../process/owned-process.ts";
import { freePorts, isFree } from "../process/ports.ts";
import { untilReady } from "../process/ready.ts";
import { livingRecord, recordedNames } from "../process/record.ts";
import { secretIn } from "../process/secret.ts";
import { testHome } from "../process/test-home.ts";
import { redisUrl, startRedis } from "../services/redis.ts";
import { runningService } from "../services/service.ts";
import { takeLock } from "./lock.ts";
import { createSupervisor } from "./supervisor.ts";

/** Collects what a supervisor says, and lets a test wait for a line instead of for some time. */
function listener() {
  const lines: string[] = [];
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  return {
    lines,
    log: (line: string) => {
      lines.push(line);
      for (const one of waiting) if (one.pattern.test(line)) one.resolve();
    },
    hears: (pattern: RegExp) => new Promise<void>((resolve) => waiting.push({ pattern, resolve })),
  };
}

test("a part that is killed runs again, with its data, and is counted", async () => {
  const home = testHome();
  const [port] = (await freePorts(1)) as [number];
  const { log, hears } = listener();
  const supervisor = createSupervisor({ home, stages: [["redis"]], log });
  await supervisor.start("redis", () => startRedis({ home, port, durable: true }));
  const first = livingRecord(home, "redis");
  assert.ok(first);
  const client = new Redis(redisUrl(port, secretIn(join(home.keys, "redis-password"))));
  // It says so each time it finds nobody there, and then tries again.
  client.on("error", () => {});
  await client.set("kept", "yes");

  const runsAgain = hears(/redis runs again/);
  process.kill(first.pid, "SIGKILL");
  await runsAgain;

  const second = livingRecord(home, "redis");
  assert.notEqual(second?.pid, first.pid);
  assert.equal(second?.restarts, 1);
  assert.equal(second?.ready, true);
  assert.equal(await client.get("kept"), "yes");
  client.disconnect();
  await supervisor.stop();
  assert.equal(await isFree(port), true);
  assert.deepEqual(recordedNames(home), []);
});

test("a part that can't come back is tried again and again, ever more slowly, until it can", async () => {
  const home = testHome();
  const { log, lines, hears } = listener();
  const supervisor = createSupervisor({ home, stages: [["flaky"]], log });
  let attempts = 0;
  const launch = async () => {
    attempts += 1;
    if (attempts === 2 || attempts === 3) throw new Error("no luck");
    const command = process.execPath;
    const owned = await startProcess({
      name: "flaky",
      command,
      args: ["-e", "setInterval(() => {}, 1000)"],
      home,
    });
    await untilReady(owned, 5000, async () => {});
    return runningService(owned, "");
  };
  await supervisor.start("flaky", launch);
  const runsAgain = hears(/flaky runs again/);
  process.kill((livingRecord(home, "flaky") as { pid: number }).pid, "SIGKILL");
  await runsAgain;
  assert.equal(lines.filter((line) => line.includes("could not be started again: no luck")).length, 2);
  await supervisor.stop();
  assert.deepEqual(recordedNames(home), []);
});

test("parts stop in the reverse order of their stages, also when one is only half-way up", async () => {
  const home = testHome();
  const { log } = listener();
  const supervisor = createSupervisor({ home, stages: [["first"], ["second"]], log });
  const ended: string[] = [];
  const launch = (name: string, ready: boolean) => async () => {
    const command = process.execPath;
    const owned = await startProcess({ name, command, args: ["-e", "setInterval(() => {}, 1000)"], home });
    void owned.exited.then(() => ended.push(name));
    await untilReady(owned, 60_000, async () => assert.ok(ready, "never ready"));
    return runningService(owned, "");
  };
  await supervisor.start("first", launch("first", true));
  const halfWay = assert.rejects(supervisor.start("second", launch("second", false)), /second did not start/);
  while (!livingRecord(home, "second")) await new Promise(setImmediate);
  await supervisor.stop();
  await halfWay;
  assert.deepEqual(ended, ["second", "first"]);
});

test("one supervisor for one home", async () => {
  const { root } = testHome();
  const lock = await takeLock(root);
  assert.ok(lock);
  assert.equal(await takeLock(root), undefined);
  await lock.release();
  const next = await takeLock(root);
  assert.ok(next);
  await next.release();
});
