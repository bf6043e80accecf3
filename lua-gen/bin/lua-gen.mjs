#!/usr/bin/env node
// The sources are TypeScript, which Node runs as it is from 22.18 on. An older Node on the PATH hands over to
// the one that the workspace installed through the npm package `node`.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  const { main } = await import("../src/cli.ts");
  process.exitCode = await main(process.argv.slice(2));
} else {
  const newer = workspaceNode();
  if (newer === undefined) {
    console.error(`lua-gen needs Node 22.18 or later; this is ${process.versions.node}`);
    process.exitCode = 1;
  } else {
    const run = spawnSync(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: "inherit",
    });
    process.exitCode = run.status ?? 1;
  }
}

function workspaceNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve("node/package.json"));
    const binary = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
