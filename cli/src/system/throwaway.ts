/**
 * A whole system for tests and benchmarks: started by `sluice up` as a newcomer starts it, with everything that
 * costs in production, in a temporary folder and on ports of its own, and gone without a trace in the end.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Home, openHome } from "../process/home.ts";
import { freePorts, LOOPBACK } from "../process/ports.ts";
import { livingRecord } from "../process/record.ts";
import { checkout, type PortName, portVariable, readSettings, type Settings } from "../settings.ts";
import { originEnvironment } from "./environment.ts";
import type { PartName } from "./parts.ts";
import { makeSecrets } from "./secrets.ts";

export interface ThrowawaySystem {
  home: Home;
  settings: Settings;
  edgeUrl: string;
  opsUrl: string;
  opsToken: string;
  /** What the origin's processes read: the addresses of MySQL, Redis and RabbitMQ among others. */
  origin: Record<string, string>;
  /** As who may do everything in MySQL. */
  mysqlRoot: { user: string; password: string; socketPath: string; database: string };
  /** Leads a process group of its own. */
  pidOf(part: PartName): number;
  /** False as soon as the end of that process was noticed. */
  runs(part: PartName, pid: number): boolean;
  /** Runs a command of `sluice` on it. */
  sluice(...args: string[]): Promise<{ code: number | null; output: string }>;
  close(): Promise<void>;
}

const PORT_NAMES: readonly PortName[] = [
  "edge",
  "ops",
  "api",
  "payments",
  "mysql",
  "redis",
  "rabbitmq",
  "rabbitmqDist",
  "rabbitmqEpmd",
];

/** `settings` are environment variables; ports among them are taken, the others are free ones. */
export async function startThrowawaySystem(settings: Record<string, string>): Promise<ThrowawaySystem> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-system-"));
  const ports = await freePorts(PORT_NAMES.length);
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ...Object.fromEntries(PORT_NAMES.map((name, index) => [portVariable(name), String(ports[index])])),
    SLUICE_HOME: folder,
    EDGE_TRUSTED_PROXIES: `${LOOPBACK}/32`,
    ...settings,
  };
  delete environment.SLUICE_TEST_SERVICES;
  const sluice = (...args: string[]) => runSluice(args, environment);
  const close = async () => {
    await sluice("down");
    rmSync(folder, { recursive: true, force: true });
  };
  const { code, output } = await sluice("up", "--detach");
  if (code !== 0) {
    await close();
    throw new Error(`the system did not start (exit code ${code}):\n${output}`);
  }
  const known = readSettings(environment);
  const home = openHome(known.homeRoot);
  const secrets = makeSecrets(home);
  return {
    home,
    settings: known,
    edgeUrl: `http://${LOOPBACK}:${known.ports.edge}`,
    opsUrl: `http://${LOOPBACK}:${known.ports.ops}`,
    opsToken: readFileSync(secrets.opsTokenFile, "utf8").trim(),
    origin: originEnvironment({ ...known, viaPorts: {} }, secrets, home),
    mysqlRoot: {
      user: "root",
      password: readFileSync(join(home.keys, "mysql-root-password"), "utf8").trim(),
      socketPath: join(home.data, "mysql", "mysql.sock"),
      database: "sluice",
    },
    pidOf: (part) => Number(readFileSync(join(home.run, `${part}.pid`), "utf8")),
    runs: (part, pid) => livingRecord(home, part)?.pid === pid,
    sluice,
    close,
  };
}

async function runSluice(
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["cli/src/main.ts", ...args], {
    cwd: checkout,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    // "close" would wait for what runs on in the background.
    child.once("exit", resolve);
  });
  return { code, output };
}
