import { parseArgs } from "node:util";
import {
  audit,
  makeKeys,
  rebuildProjections,
  runMigrations,
  seed,
  startApi,
  startRelay,
  startWorker,
} from "./compose.ts";
import { parkedCommand, traceCommand, UsageError } from "./inspect.ts";
import { StartFaults } from "./kernel/errors.ts";
import { auditTable } from "./platform/audit.ts";
import { statusText } from "./relay/module.ts";
import { relayStatus } from "./relay-tasks.ts";

/**
 * `node origin/src/main.ts <role>`. Long-running roles end by SIGTERM or SIGINT; tasks end by themselves.
 * Exit codes: 0 done, 1 failed, 64 used wrongly, 78 configured wrongly (sysexits.h).
 */
export interface Running {
  close(): Promise<void>;
}

const longRunning: Record<string, (env: NodeJS.ProcessEnv) => Promise<Running>> = {
  api: startApi,
  worker: startWorker,
  relay: startRelay,
};

const tasks: Record<string, (env: NodeJS.ProcessEnv, args: string[]) => Promise<void>> = {
  migrate: async (env) => {
    const { applied } = await runMigrations(env);
    console.log(applied.length === 0 ? "the schema is up to date" : `applied ${applied.join(", ")}`);
  },
  seed: async (env) => {
    const { users, products } = await seed(env);
    console.log(`added ${users} users and ${products} products`);
  },
  audit: async (env, args) => {
    const { values } = parseArgs({ args, options: { json: { type: "boolean", default: false } } });
    const results = await audit(env);
    console.log(values.json ? JSON.stringify(results) : auditTable(results));
    if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
  },
  trace: traceCommand,
  parked: parkedCommand,
  "relay-status": async (env, args) => {
    const { values } = parseArgs({ args, options: { json: { type: "boolean", default: false } } });
    const status = await relayStatus(env);
    console.log(values.json ? JSON.stringify(status ?? null) : statusText(status));
    if (status === undefined) process.exitCode = 1;
  },
  "relay-rebuild": async (env, args) => {
    const options = { projection: { type: "string" }, "from-scratch": { type: "boolean" } } as const;
    const { values } = parseArgs({ args, options });
    const begun = await rebuildProjections(env, values.projection, values["from-scratch"] === true);
    console.log(begun ? "begun; `relay status` tells how far it is" : "no relay leads: it waits for one");
  },
  keys: async (_env, args) => {
    const { values } = parseArgs({ args, options: { dir: { type: "string" }, public: { type: "string" } } });
    if (values.dir === undefined)
      throw new UsageError("keys needs --dir <folder>, and takes --public <file>");
    console.log(await makeKeys(values.dir, values.public));
  },
};

/** A process that has not ended by itself after this is ended: something in it hangs. The launcher waits 10 s. */
const stopTimeoutMs = 9_000;

/** The same for one that has not even started: it may be waiting for a database that never comes. */
const startingStopTimeoutMs = 1_000;

async function main([role = "", ...args]: string[]): Promise<void> {
  const task = tasks[role];
  if (task !== undefined) return task(process.env, args);
  const start = longRunning[role];
  if (start === undefined) {
    throw new UsageError(`usage: main.ts ${[...Object.keys(longRunning), ...Object.keys(tasks)].join("|")}`);
  }
  const starting = start(process.env);
  stopOnSignal(starting);
  await starting;
}

/** Listens before the start is over, or a signal that comes just then would end the process without a close. */
function stopOnSignal(starting: Promise<Running>): void {
  let started = false;
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    const timeoutMs = started ? stopTimeoutMs : startingStopTimeoutMs;
    setTimeout(() => fail(new Error(`did not stop within ${timeoutMs} ms`)), timeoutMs).unref();
    starting.then((running) => running.close()).catch(fail);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  starting.then(
    () => {
      started = true;
    },
    () => undefined,
  );
}

function fail(error: unknown): void {
  const known = error instanceof StartFaults || error instanceof UsageError;
  console.error(known ? error.message : error);
  process.exit(error instanceof StartFaults ? 78 : error instanceof UsageError ? 64 : 1);
}

main(process.argv.slice(2)).catch(fail);
