#!/usr/bin/env node
// The sources are TypeScript, which the workspace's own Node runs as it is; the Node on the PATH may be older.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compilingOnce } from "../bootstrap/compile-cache.mjs";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const own = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));
if (!existsSync(own)) {
  console.error("The npm packages are missing: run `npm ci` or `npm start` in the checkout first.");
  process.exit(1);
}
const child = spawn(own, [main, ...process.argv.slice(2)], { stdio: "inherit", env: compilingOnce });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.once("exit", (code, signal) => process.exit(signal ? 1 : code));
