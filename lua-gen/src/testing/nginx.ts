import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Http, NginxConfig } from "../nginx/model.ts";
import { findPlatform, luaSearchCpath, luaSearchPath } from "../nginx/platform.ts";
import { printNginx } from "../nginx/print.ts";

export interface RunningNginx {
  readonly url: string;
  errorLog(): string;
  /** Finishes what it serves and ends. Waits for it. */
  close(): Promise<void>;
}

export interface NginxOptions {
  /** An empty folder that may be written to; the caller removes it. */
  readonly dir: string;
  readonly luaDir: string;
  /** Of handlers given as module and entry; off unless true. */
  readonly tracebacks?: boolean;
  /** What goes into http beside the paths: locations of the one server, zones, phases. */
  readonly http: Omit<Http, "lua" | "servers" | "tempDir">;
  readonly locations: Http["servers"][number]["locations"];
}

const waitMsMax = 20_000;

/** Starts a private nginx on a free port of 127.0.0.1. It ends with `close`, or with this process. */
export async function startNginx(options: NginxOptions): Promise<RunningNginx> {
  const platform = findPlatform();
  const { dir } = options;
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const file = join(dir, "nginx.conf");
  const log = join(dir, "error.log");
  const config: NginxConfig = {
    source: "src/testing/nginx.ts",
    // Started by root, workers would become `nobody` and could not read a private folder.
    ...(process.getuid?.() === 0 ? { user: "root" } : {}),
    workers: 1,
    pidFile: join(dir, "nginx.pid"),
    errorLog: { path: log, level: "notice" },
    events: { connectionsMax: 128 },
    http: {
      ...options.http,
      accessLog: "off",
      tempDir: dir,
      lua: {
        packagePath: luaSearchPath(platform, options.luaDir),
        packageCpath: luaSearchCpath(platform),
        tracebacks: options.tracebacks ?? false,
      },
      servers: [{ listen: [{ address: "127.0.0.1", port }], locations: options.locations }],
    },
  };
  writeFileSync(file, printNginx(config, platform));
  const child = spawn(platform.binary, ["-c", file, "-p", `${dir}/`, "-e", log], { stdio: "inherit" });
  const killWithUs = () => child.kill("SIGTERM");
  process.once("exit", killWithUs);
  await waitUntilListening(child, port, log);
  return {
    url: `http://127.0.0.1:${port}`,
    errorLog: () => readFileSync(log, "utf8"),
    async close() {
      process.off("exit", killWithUs);
      const ended = once(child, "exit");
      child.kill("SIGQUIT");
      await ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function waitUntilListening(child: ChildProcess, port: number, log: string): Promise<void> {
  const startedOrEnded = async () => child.exitCode !== null || (await accepts(port));
  const problem = () => `nginx did not start:\n${readFileSync(log, "utf8")}`;
  await pollUntil(startedOrEnded, problem).catch((error) => {
    child.kill("SIGTERM");
    throw error;
  });
  if (child.exitCode !== null) throw new Error(problem());
}

/** Asks again and again; throws `problem` after twenty seconds. */
export async function pollUntil(condition: () => Promise<boolean>, problem: () => string): Promise<void> {
  const deadlineMs = performance.now() + waitMsMax;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(problem());
    await delay(10);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
