import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { test } from "node:test";

const script = new URL("main.ts", import.meta.url).pathname;

async function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [script, ...args], {
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code, stdout, stderr };
}

test("an unknown role is told which there are", async () => {
  const { code, stderr } = await run(["dance"]);
  assert.equal(code, 64);
  assert.match(stderr, /api\|worker\|relay\|migrate/);
});

test("a role that is configured wrongly ends at once and names every fault", async () => {
  const { code, stderr } = await run(["worker"], { MYSQL_URL: "nonsense" });
  assert.equal(code, 78);
  assert.match(stderr, /MYSQL_URL/);
  assert.match(stderr, /PAYMENTS_SECRET_FILE is missing/);
});

test("SIGTERM ends a role that runs, with nothing left open", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-main-"));
  try {
    await run(["keys", "--dir", folder]);
    for (const name of ["ops-token", "payments-secret"])
      await writeFile(join(folder, name), "0123456789abcdef");
    const child = spawn(process.execPath, [script, "api"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        MYSQL_URL: "mysql://root@127.0.0.1:1/x",
        REDIS_URL: "redis://127.0.0.1:1",
        API_PORT: "0",
        OPS_PORT: "0",
        OPS_TOKEN_FILE: join(folder, "ops-token"),
        TOKEN_PRIVATE_KEY_FILE: join(folder, "token-private.pem"),
        TOKEN_PUBLIC_KEYS_FILE: join(folder, "token-keys.json"),
        PAYMENTS_URL: "http://127.0.0.1:1",
        PAYMENTS_SECRET_FILE: join(folder, "payments-secret"),
      },
    });
    const exited = once(child, "exit");
    for await (const line of createInterface(child.stdout)) {
      if (line.includes("api is listening")) child.kill("SIGTERM");
    }
    assert.deepEqual(await exited, [0, null]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("keys are made once, and the private one is for its owner only", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-keys-"));
  try {
    const files = [join(folder, "token-private.pem"), join(folder, "token-keys.json")] as const;
    assert.equal((await run(["keys", "--dir", folder])).code, 0);
    const made = await Promise.all(files.map((file) => readFile(file, "utf8")));
    assert.equal((await run(["keys", "--dir", folder])).code, 0);
    assert.deepEqual(await Promise.all(files.map((file) => readFile(file, "utf8"))), made);
    assert.equal((await stat(files[0])).mode & 0o777, 0o600);
    await rm(files[1]);
    assert.equal((await run(["keys", "--dir", folder])).code, 0);
    const undated = (text = "") => JSON.parse(text).keys.map((key: object) => ({ ...key, signsFrom: 0 }));
    const again = undated(await readFile(files[1], "utf8"));
    assert.deepEqual(again, undated(made[1]), "the public file follows from the private one");
  } finally {
    await rm(folder, { recursive: true });
  }
});
