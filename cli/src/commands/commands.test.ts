import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Home } from "../process/home.ts";
import { freePorts, isFree } from "../process/ports.ts";
import { livingRecord, recordedNames, recordOf, writeRecord } from "../process/record.ts";
import { testHome } from "../process/test-home.ts";
import { startRedis } from "../services/redis.ts";
import { takeLock } from "../system/lock.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const VARIABLES = ["EDGE_PORT", "OPS_PORT", "API_PORT", "PAYMENTS_PORT", "MYSQL_PORT", "REDIS_PORT"];
const BROKER = ["RABBITMQ_PORT", "RABBITMQ_DIST_PORT", "RABBITMQ_EPMD_PORT"];

async function freeEnvironment(home: Home): Promise<Record<string, string>> {
  const names = [...VARIABLES, ...BROKER];
  const ports = await freePorts(names.length);
  return { SLUICE_HOME: home.root, ...Object.fromEntries(names.map((name, i) => [name, String(ports[i])])) };
}

function sluice(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

test("up reports every port that is taken by name and number, and starts nothing", async () => {
  const home = testHome();
  const env = await freeEnvironment(home);
  const other = createServer().listen(Number(env.REDIS_PORT), "127.0.0.1");
  try {
    const { code, output } = await sluice(["up"], env);
    assert.equal(code, 1);
    assert.match(
      output,
      new RegExp(`port ${env.REDIS_PORT} \\(redis\\) is taken; choose another by REDIS_PORT`),
    );
    assert.deepEqual(recordedNames(home), []);
  } finally {
    other.close();
  }
});

test("two names for one port, and a port that is none, are both reported at once", async () => {
  const env = await freeEnvironment(testHome());
  const { code, output } = await sluice(["up"], {
    ...env,
    OPS_PORT: env.EDGE_PORT as string,
    API_PORT: "70000",
  });
  assert.equal(code, 1);
  assert.match(output, /API_PORT is not a port: "70000"/);
  assert.match(output, /EDGE_PORT and OPS_PORT are both/);
});

test("a second start says that it runs already, and where, whatever ports it was asked for itself", async () => {
  const home = testHome();
  const lock = await takeLock(home.root);
  const record = recordOf("supervisor", process.pid, undefined, new Date());
  writeRecord(home, { ...record, ready: true, ports: { edge: 12_345 } });
  const { code, output } = await sluice(["up"], await freeEnvironment(home));
  assert.equal(code, 0);
  assert.match(output, new RegExp(`runs already \\(supervisor pid ${process.pid}\\)`));
  assert.match(output, /http:\/\/127\.0\.0\.1:12345/);
  await lock?.release();
});

test("down with nothing running says so", async () => {
  const { code, output } = await sluice(["down"], await freeEnvironment(testHome()));
  assert.equal(code, 0);
  assert.match(output, /Nothing is running/);
});

test("down stops what a killed supervisor has left", async () => {
  const home = testHome();
  const env = await freeEnvironment(home);
  const port = Number(env.REDIS_PORT);
  const redis = await startRedis({ home, port, durable: false });
  const { code, output } = await sluice(["down"], env);
  assert.equal(code, 0);
  assert.match(output, /left: redis/);
  await redis.exited;
  assert.equal(await isFree(port), true);
});

test("status lists every part, and its exit code tells whether all are healthy", async () => {
  const home = testHome();
  const env = await freeEnvironment(home);
  const redis = await startRedis({ home, port: Number(env.REDIS_PORT), durable: false });
  try {
    const { code, output } = await sluice(["status", "--json"], env);
    assert.equal(code, 1);
    const { healthy, parts } = JSON.parse(output);
    assert.equal(healthy, false);
    const names = parts.map((part: { name: string }) => part.name).toSorted();
    const all = ["api", "edge", "geo", "mysql", "payments", "rabbitmq", "redis", "relay", "worker"];
    assert.deepEqual(names, all);
    const states = Object.fromEntries(
      parts.map((part: { name: string; state: string }) => [part.name, part.state]),
    );
    assert.equal(states.redis, "healthy");
    assert.equal(states.edge, "down");
    assert.equal(livingRecord(home, "redis")?.pid, redis.pid);
  } finally {
    await redis.close();
  }
});

test("status says which part does not answer, and does not wait for it", async () => {
  const home = testHome();
  const env = await freeEnvironment(home);
  const redis = await startRedis({ home, port: Number(env.REDIS_PORT), durable: false });
  try {
    process.kill(redis.pid, "SIGSTOP");
    const { output } = await sluice(["status"], env);
    assert.match(output, /redis .*unhealthy.* no answer within 2 s/);
  } finally {
    process.kill(redis.pid, "SIGCONT");
    await redis.close();
  }
});

test("a home that somebody is just starting is left alone by down", async () => {
  const home = testHome();
  const lock = await takeLock(home.root);
  const { code, output } = await sluice(["down"], await freeEnvironment(home));
  assert.equal(code, 1);
  assert.match(output, /start is just under way/);
  await lock?.release();
});

test("reset without a terminal asks for --yes and removes nothing", async () => {
  const home = testHome();
  const { code, output } = await sluice(["reset"], await freeEnvironment(home));
  assert.equal(code, 1);
  assert.match(output, /say --yes/);
  assert.match(output, /Nothing was removed/);
});
