import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, pollUntil } from "./testing/nginx.ts";

const packageDir = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

test("from a packed tarball: install, init, build, conf, and nginx answers and follows changes", async (t) => {
  const startedMs = performance.now();
  const dir = mkdtempSync(join(tmpdir(), "lua-gen-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: packageDir });
  await run("npm", ["install", "--prefer-offline", join(dir, packed.stdout.trim())], { cwd: dir });
  const bin = join(dir, "node_modules/lua-gen/bin/lua-gen.mjs");
  const luaGen = (...args: string[]) => run(process.execPath, [bin, ...args], { cwd: dir });
  await luaGen("init");
  await assert.rejects(luaGen("init"), /nginx\.ts, src\/hello\.ts, tsconfig\.json already/);
  await luaGen("build");
  await luaGen("conf", "nginx.ts", "--out", "run/nginx.conf");
  const printed = readFileSync(join(dir, "run/nginx.conf"), "utf8");
  for (const block of ["events", "http", "server", "location"]) {
    assert.match(printed, new RegExp(`^ *# (nginx\\.ts|src/hello\\.ts).*\n *${block} `, "m"));
  }

  const port = await freePort();
  const conf = readFileSync(join(dir, "nginx.ts"), "utf8");
  writeFileSync(join(dir, "nginx.ts"), conf.replace("8088", String(port)));
  const watching = spawn(process.execPath, [bin, "watch", "nginx.ts"], { cwd: dir, stdio: "pipe" });
  let said = "";
  for (const stream of [watching.stdout, watching.stderr]) stream.on("data", (text) => (said += text));
  const exited = once(watching, "exit");
  t.after(async () => {
    watching.kill("SIGTERM");
    await exited;
  });
  const answer = () =>
    fetch(`http://127.0.0.1:${port}/?name=Ada`).then(
      (response) => response.text(),
      () => "nothing",
    );
  const answers = (text: string) =>
    pollUntil(
      async () => (await answer()) === text,
      () => `nginx doesn't say "${text}":\n${said}`,
    );
  await answers("Hello, Ada\n");
  t.diagnostic(`from nothing to the first answer: ${Math.round(performance.now() - startedMs)} ms`);

  const source = join(dir, "src/hello.ts");
  const hello = readFileSync(source, "utf8");
  const elapsedMs: number[] = [];
  for (const greeting of ["Hi", "Good day", "Servus"]) {
    const savedMs = performance.now();
    writeFileSync(source, hello.replace("Hello", greeting));
    await answers(`${greeting}, Ada\n`);
    elapsedMs.push(performance.now() - savedMs);
  }
  t.diagnostic(`from save to answer: ${elapsedMs.map(Math.round).join(", ")} ms`);

  writeFileSync(source, "export const pattern = /x/;\n");
  await pollUntil(
    async () => said.includes("LG001"),
    () => said,
  );
  assert.equal(await answer(), "Servus, Ada\n");
});
