/** The gates, each behind an nginx of its own: one worker, so that nobody's traces are in another's way. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "lua-gen/build.ts";
import type { LuaHandler } from "lua-gen/nginx/model.ts";
import { pollUntil, startNginx } from "lua-gen/testing/nginx.ts";
import { IN_TURN_AND_REPORTED } from "../proxies/load.ts";
import { childrenOf, onCores } from "../proxies/processor.ts";

export const BY_HAND = "by hand in Lua";
export const GENERATED = "from TypeScript";
/** The same with TypeScript positions in the error log: one `xpcall` for each request. */
export const TRACED = "from TypeScript, tracebacks";

/** 1,000 items, as a token may come: no request is like the one before. */
export const ITEMS = 1_000;
const TOKEN = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.c2x1aWNlLWJlbmNo.0123456789abcdef";

export interface Gate {
  readonly name: string;
  readonly url: string;
  readonly workerPid: number;
  /** What the compiler gave up (`jit.v`), of the loops and functions of this gate. Only when it was asked to log. */
  traceAborts(): string[];
  close(): Promise<void>;
}

/** With `logsTraces` LuaJIT writes down what it compiles, which costs something: such a gate isn't timed. */
export async function startGates(folder: string, logsTraces: boolean): Promise<Gate[]> {
  const project = join(import.meta.dirname, "generated");
  const { faults, files } = build({ project });
  const [file] = files;
  if (faults.length > 0 || file === undefined) throw new Error(`generated/: ${JSON.stringify(faults)}`);
  const content = { module: "gate", entry: "content" };
  const generated = { luaDir: dirname(file), content, logsTraces };
  const byHand = { ...generated, luaDir: join(import.meta.dirname, "by-hand") };
  return [
    await startGate({ ...byHand, name: BY_HAND, dir: join(folder, "by-hand") }),
    await startGate({ ...generated, name: GENERATED, dir: join(folder, "generated") }),
    await startGate({ ...generated, name: TRACED, dir: join(folder, "traced"), tracebacks: true }),
  ];
}

interface GateOptions {
  readonly name: string;
  readonly dir: string;
  readonly luaDir: string;
  readonly content: LuaHandler;
  readonly logsTraces: boolean;
  readonly tracebacks?: boolean;
}

async function startGate(options: GateOptions): Promise<Gate> {
  const { name, dir, luaDir, content, logsTraces } = options;
  const log = `${dir}/traces.log`;
  const nginx = await startNginx({
    dir,
    luaDir,
    tracebacks: options.tracebacks ?? false,
    http: {
      sharedDicts: { hits: 1_048_576 },
      keepaliveRequestsMax: 1_000_000_000,
      ...(logsTraces ? { initWorker: { code: `require("jit.v").on("${log}")` } } : {}),
    },
    locations: [{ match: { prefix: "/items/" }, handler: { content } }],
  });
  const pidFile = join(dir, "nginx.pid");
  const workers = () => (existsSync(pidFile) ? childrenOf(Number(readFileSync(pidFile, "utf8"))) : []);
  // nginx listens before it writes its pid and has a worker.
  await pollUntil(
    async () => workers().length > 0,
    () => `${name}: nginx has no worker`,
  );
  const [workerPid = 0] = workers();
  const [command, args] = onCores("proxy", "true", []);
  // Started already: its worker is moved.
  if (command === "taskset") execFileSync(command, ["-p", ...args.slice(0, 2), String(workerPid)]);
  return {
    name,
    url: nginx.url,
    workerPid,
    traceAborts: () => (existsSync(log) ? abortsIn(readFileSync(log, "utf8")) : []),
    close: () => nginx.close(),
  };
}

function abortsIn(log: string): string[] {
  return log.split("\n").filter((line) => /^\[TRACE --- .*\bgate\.lua/.test(line));
}

/** wrk's side: items in turn, a token, now and then a currency. */
export function writeRequests(folder: string): string {
  const file = join(folder, "requests.lua");
  writeFileSync(
    file,
    `local made, at = {}, 0
function init()
  for i = 1, ${ITEMS} do
    local path = "/items/" .. i .. (i % 2 == 0 and "?currency=SEK" or "")
    made[i] = wrk.format("GET", path, { ["Authorization"] = "Bearer ${TOKEN}" .. i })
  end
end
${IN_TURN_AND_REPORTED}`,
  );
  return file;
}

/** Both must answer alike, also what they refuse; else it isn't the same logic that is compared. */
export async function proveAlike(gates: readonly Gate[]): Promise<void> {
  const authorization = `Bearer ${TOKEN}`;
  const tried: readonly [path: string, headers: Record<string, string>, status: number][] = [
    ["/items/17", { authorization }, 200],
    ["/items/17?currency=SEK", { authorization }, 200],
    ["/items/17?currency=XXX", { authorization }, 400],
    ["/items/17", {}, 401],
    ["/items/17", { authorization: "Basic x" }, 401],
    ["/items/", { authorization }, 404],
    ["/items/1x", { authorization }, 404],
    ["/items/1234567890", { authorization }, 404],
  ];
  for (const [path, headers, status] of tried) {
    const answers = await Promise.all(
      gates.map(async ({ url }) => {
        const response = await fetch(url + path, { headers });
        return `${response.status} ${response.headers.get("content-type")} ${await response.text()}`;
      }),
    );
    if (new Set(answers).size > 1 || !answers[0]?.startsWith(`${status} `)) {
      throw new Error(`${path}: ${answers.join(" | ")}`);
    }
  }
}
