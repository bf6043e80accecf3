#!/usr/bin/env node
// The sources are TypeScript, which Node runs as it is from 22.18 on, except under node_modules: there it refuses,
// and we take the types off our own files. An older Node on the PATH hands over to the one that the workspace
// installed through the npm package `node`.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import nodeModule from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  if (import.meta.dirname.includes(`${sep}node_modules${sep}`)) await stripOwnTypes();
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

async function stripOwnTypes() {
  const { default: ts } = await import("typescript");
  const own = new URL("../src/", import.meta.url).href;
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2024,
    verbatimModuleSyntax: true,
  };
  nodeModule.registerHooks({
    load(url, context, nextLoad) {
      if (!url.startsWith(own) || !url.endsWith(".ts")) return nextLoad(url, context);
      const text = readFileSync(fileURLToPath(url), "utf8");
      const source = ts.transpileModule(text, { compilerOptions }).outputText;
      return { format: "module", source, shortCircuit: true };
    },
  });
}

function workspaceNode() {
  try {
    const folder = dirname(nodeModule.createRequire(import.meta.url).resolve("node/package.json"));
    const binary = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}
