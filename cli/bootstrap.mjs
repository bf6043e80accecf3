// From a fresh clone to the command line: everything here runs on the Node that the machine has (20 or later)
// and on nothing else. It brings what is missing (system packages, npm packages), then hands over to the
// workspace's own Node. Each later run finds everything there and says nothing.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilingOnce } from "./bootstrap/compile-cache.mjs";
import { bringNpmPackages } from "./bootstrap/npm-packages.mjs";
import { bringSystemPackages } from "./bootstrap/system-packages.mjs";

const COMMANDS = {
  up: { packages: ["run"], script: "cli/src/main.ts", args: ["up"] },
  test: { packages: ["run", "test"], script: "cli/src/main.ts", args: ["test"] },
  "test-compose": { packages: [], script: "cli/src/main.ts", args: ["test-compose"] },
  "test-coherence": { packages: ["run", "test"], script: "test/coherence/main.ts", args: [] },
  "test-crash": { packages: ["run", "test"], script: "test/crash/main.ts", args: [] },
  "test-load": { packages: ["run", "test"], script: "test/policy-load/main.ts", args: [] },
  bench: { packages: ["run", "bench"], script: "bench/src/main.ts", args: [] },
  // What to run as root where the others may not: it only installs.
  packages: { packages: ["run", "test"] },
};

const checkout = fileURLToPath(new URL("..", import.meta.url));
const logs = join(process.env.SLUICE_HOME || join(checkout, ".sluice"), "logs");

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...rest]) {
  const command = COMMANDS[name];
  if (!command) {
    console.error(`usage: node cli/bootstrap.mjs <${Object.keys(COMMANDS).join("|")}> [arguments]`);
    return 2;
  }
  if (Number(process.versions.node.split(".")[0]) < 20) {
    console.error(`Node 20 or later is needed to begin with; this is ${process.versions.node}.`);
    return 1;
  }
  const installOnly = !command.script;
  if (!(await bringSystemPackages(command.packages, installOnly ? undefined : logs))) return 1;
  if (installOnly) return 0;
  if (!(await bringNpmPackages(checkout, logs))) return 1;
  return handOver([command.script, ...command.args, ...rest]);
}

/** Signals go on to the successor, which decides what they mean; its exit code is ours. */
function handOver(args) {
  const node = join(checkout, "node_modules/.bin/node");
  if (!existsSync(node)) {
    console.error(`${node} is missing: remove node_modules and start again.`);
    return 1;
  }
  const child = spawn(node, args, { cwd: checkout, stdio: "inherit", env: compilingOnce });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(`${node} can't be started: ${error.message}`);
      resolve(1);
    });
    child.once("exit", (code, signal) => resolve(signal ? 1 : code));
  });
}
