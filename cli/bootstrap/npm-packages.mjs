import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runStep } from "./steps.mjs";

/** `npm ci`, but only when what is installed is not what the lock file asks for. */
export async function bringNpmPackages(checkout, logs) {
  if (isInstalled(checkout)) return true;
  return runStep({
    name: "npm",
    label: "installing npm packages",
    logs,
    command: "npm",
    args: ["ci", "--no-progress"],
    cwd: checkout,
  });
}

/**
 * npm writes down in node_modules/.package-lock.json what it has installed, as its last act. Each entry has to
 * be what package-lock.json says; one that is absent has to be optional (a binary for another platform).
 */
function isInstalled(checkout) {
  const wanted = readJson(join(checkout, "package-lock.json"));
  const installed = readJson(join(checkout, "node_modules/.package-lock.json"));
  if (!installed || !existsSync(join(checkout, "node_modules/.bin/node"))) return false;
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (!path.includes("node_modules/")) continue;
    const present = installed.packages[path];
    if (!present && !entry.optional) return false;
    if (present && (present.version !== entry.version || present.integrity !== entry.integrity)) return false;
  }
  return true;
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}
