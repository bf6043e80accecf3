import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Client } from "./client.ts";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");
const CLI = join(ROOT, "cli/src/main.ts");

export interface SystemOptions {
  /** Unpaid orders of the system expire so soon. */
  orderTtlSeconds: number;
  /** More settings of its processes. */
  environment?: Record<string, string>;
}

/** The whole system, running, and the ways to reach and to hurt it. */
export interface System {
  edge: Client;
  ops: Client;
  edgeUrl: string;
  /** For those who bring a client of their own. */
  operators: { opsUrl: string; opsToken: string };
  /** Runs `sluice audit`; its exit code and output. */
  audit(): Promise<{ code: number; output: string }>;
  /** `kill -9` of one process by its name (`api`, `relay`, `redis`, …). */
  kill(name: ProcessName): Promise<void>;
  /** `kill -9` of all of nginx's workers; their master starts others. */
  killEdgeWorkers(): Promise<void>;
  /** The processes of the edge that answer. */
  edgeWorkers(): Promise<number[]>;
  /** Its own Redis, as an operator with the password would reach it. */
  redisUrl: string;
  /** `SIGSTOP` and `SIGCONT`. */
  pause(name: ProcessName): Promise<void>;
  resume(name: ProcessName): Promise<void>;
  close(): Promise<void>;
}

export type ProcessName = "edge" | "api" | "worker" | "relay" | "mysql" | "redis" | "rabbitmq" | "payments";

/** True when the tests were given a system that runs elsewhere (docker-compose), which they may not hurt. */
export const GIVEN_SYSTEM = process.env.SLUICE_TEST_EDGE_URL !== undefined;

/**
 * A system for one test file: the one that `SLUICE_TEST_EDGE_URL`, `SLUICE_TEST_OPS_URL` and
 * `SLUICE_TEST_OPS_TOKEN` name, else a native one of its own in a folder and on ports of its own.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  return GIVEN_SYSTEM ? attachToGiven() : startNative(options);
}

async function startNative(options: SystemOptions): Promise<System> {
  const home = await mkdtemp(join(tmpdir(), "sluice-system-"));
  const ports = await freePorts(9);
  const port = (index: number) => String(ports[index]);
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    SLUICE_HOME: home,
    EDGE_PORT: port(0),
    OPS_PORT: port(1),
    API_PORT: port(2),
    PAYMENTS_PORT: port(3),
    MYSQL_PORT: port(4),
    REDIS_PORT: port(5),
    RABBITMQ_PORT: port(6),
    RABBITMQ_DIST_PORT: port(7),
    RABBITMQ_EPMD_PORT: port(8),
    ORDER_TTL_SECONDS: String(options.orderTtlSeconds),
    EDGE_WORKERS: "2",
    EDGE_TRUSTED_PROXIES: "127.0.0.1/32",
    ...options.environment,
  };
  delete environment.SLUICE_TEST_SERVICES;
  const sluice = (...args: string[]) =>
    run(process.execPath, [CLI, ...args], { env: environment, cwd: ROOT, maxBuffer: 16 * 1024 * 1024 });
  await started(spawn(process.execPath, [CLI, "up", "--detach"], { env: environment, cwd: ROOT }));
  const opsToken = (await readFile(join(home, "ops-token"), "utf8")).trim();
  const redisPassword = (await readFile(join(home, "keys", "redis-password"), "utf8")).trim();
  const pidOf = async (name: ProcessName) =>
    Number((await readFile(join(home, "run", `${name}.pid`), "utf8")).trim().split(/\s/)[0]);
  const signal = async (name: ProcessName, what: NodeJS.Signals) => process.kill(await pidOf(name), what);
  const edgeWorkers = async () => {
    const master = await pidOf("edge");
    const children = await readFile(`/proc/${master}/task/${master}/children`, "utf8");
    return children.trim().split(" ").map(Number);
  };
  const opsUrl = `http://127.0.0.1:${port(1)}`;
  const edgeUrl = `http://127.0.0.1:${port(0)}`;
  return {
    edge: new Client(edgeUrl),
    ops: new Client(opsUrl, { authorization: `Bearer ${opsToken}` }),
    edgeUrl,
    operators: { opsUrl, opsToken },
    audit: () => outcome(sluice("audit")),
    edgeWorkers,
    redisUrl: `redis://:${redisPassword}@127.0.0.1:${port(5)}`,
    kill: async (name) => void (await signal(name, "SIGKILL")),
    killEdgeWorkers: async () => {
      for (const pid of await edgeWorkers()) process.kill(pid, "SIGKILL");
    },
    pause: async (name) => void (await signal(name, "SIGSTOP")),
    resume: async (name) => void (await signal(name, "SIGCONT")),
    close: async () => {
      await sluice("down");
      await rm(home, { recursive: true, force: true });
    },
  };
}

function attachToGiven(): System {
  const { SLUICE_TEST_EDGE_URL, SLUICE_TEST_OPS_URL, SLUICE_TEST_OPS_TOKEN, SLUICE_TEST_AUDIT } = process.env;
  if (SLUICE_TEST_EDGE_URL === undefined || SLUICE_TEST_OPS_URL === undefined) {
    throw new Error("SLUICE_TEST_EDGE_URL needs SLUICE_TEST_OPS_URL and SLUICE_TEST_OPS_TOKEN beside it");
  }
  const untouchable = async () => {
    throw new Error("a given system is not killed by its tests");
  };
  return {
    edge: new Client(SLUICE_TEST_EDGE_URL),
    ops: new Client(SLUICE_TEST_OPS_URL, { authorization: `Bearer ${SLUICE_TEST_OPS_TOKEN ?? ""}` }),
    edgeUrl: SLUICE_TEST_EDGE_URL,
    operators: { opsUrl: SLUICE_TEST_OPS_URL, opsToken: SLUICE_TEST_OPS_TOKEN ?? "" },
    audit: () => {
      if (SLUICE_TEST_AUDIT === undefined)
        throw new Error("SLUICE_TEST_AUDIT names the audit command of the system");
      return outcome(run("sh", ["-c", SLUICE_TEST_AUDIT], { cwd: ROOT }));
    },
    edgeWorkers: untouchable,
    redisUrl: "",
    kill: untouchable,
    killEdgeWorkers: untouchable,
    pause: untouchable,
    resume: untouchable,
    close: async () => {},
  };
}

async function started(child: ReturnType<typeof spawn>): Promise<void> {
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((done, failed) => {
    child.once("error", failed);
    child.once("exit", done);
  });
  if (code !== 0) throw new Error(`the system did not start (exit code ${code}):\n${output}`);
}

async function outcome(
  running: Promise<{ stdout: string; stderr: string }>,
): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await running;
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    if (typeof failed.code !== "number") throw error;
    return { code: failed.code, output: `${failed.stdout ?? ""}${failed.stderr ?? ""}` };
  }
}

/** Ports that are free now; held open together so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done, failed) => {
          server.once("error", failed);
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            done(typeof address === "object" && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
