/**
 * A private RabbitMQ. The packaged wrapper insists on the user `rabbitmq`; the script beneath it runs as
 * whoever calls it. Told that systemd watches it, it becomes the Erlang machine instead of staying its
 * parent shell, so the pid that we hold is the broker's own and SIGTERM is a graceful stop.
 *
 * Each instance has its own epmd (Erlang's port mapper), which the broker starts by itself as a daemon; it
 * answers to its port only, and is ended through it.
 */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect } from "amqplib";
import { startProcess } from "../process/owned-process.ts";
import { LOOPBACK } from "../process/ports.ts";
import { untilReady } from "../process/ready.ts";
import { secretIn } from "../process/secret.ts";
import { ANSWER_TIMEOUT_MS, type RunningService, runningService, type ServiceOptions } from "./service.ts";

export interface RabbitmqOptions extends Omit<ServiceOptions, "durable"> {
  distPort: number;
  epmdPort: number;
  /** Lets it be administered over HTTP too, which costs it a second more to start and saves tests many. */
  managementPort?: number;
}

const SCRIPTS = "/usr/lib/rabbitmq/bin";
const START_TIMEOUT_MS = 180_000;
const run = promisify(execFile);

export async function startRabbitmq(options: RabbitmqOptions): Promise<RunningService> {
  const { home, port, epmdPort, managementPort } = options;
  const folder = join(home.data, "rabbitmq");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const password = secretIn(join(home.keys, "rabbitmq-password"));
  writeFileSync(join(folder, "rabbitmq.conf"), rabbitmqConf(options, password), { mode: 0o600 });
  const plugins = managementPort === undefined ? "[].\n" : "[rabbitmq_management].\n";
  writeFileSync(join(folder, "enabled_plugins"), plugins);
  erlangCookie(folder);
  const owned = await startProcess({
    name: "rabbitmq",
    command: join(SCRIPTS, "rabbitmq-server"),
    args: [],
    env: rabbitmqEnv(options),
    cwd: folder,
    home,
    port,
    stopGraceMs: 20_000,
  });
  const url = rabbitmqUrl(port, password);
  try {
    await untilReady(owned, START_TIMEOUT_MS, () => pingRabbitmq(url));
  } catch (error) {
    await stopEpmd(epmdPort);
    throw error;
  }
  return runningService(owned, url, async () => {
    await owned.stop();
    await stopEpmd(epmdPort);
  });
}

export function rabbitmqUrl(port: number, password: string): string {
  return `amqp://sluice:${password}@${LOOPBACK}:${port}`;
}

/** Runs rabbitmqctl against the private instance (about half a second: an Erlang machine of its own). */
export async function rabbitmqctl(options: RabbitmqOptions, args: string[]): Promise<string> {
  const { stdout } = await run(join(SCRIPTS, "rabbitmqctl"), args, { env: rabbitmqEnv(options) });
  return stdout;
}

/** Does nothing when no epmd is there. */
export async function stopEpmd(epmdPort: number): Promise<void> {
  await run("epmd", ["-port", String(epmdPort), "-kill"]).catch(() => undefined);
}

function rabbitmqConf({ port, managementPort }: RabbitmqOptions, password: string): string {
  const lines = [
    `listeners.tcp.1 = ${LOOPBACK}:${port}`,
    "default_user = sluice",
    `default_pass = ${password}`,
    "log.console = true",
    "log.console.level = info",
    "log.file = false",
  ];
  if (managementPort !== undefined) {
    lines.push(`management.tcp.ip = ${LOOPBACK}`, `management.tcp.port = ${managementPort}`);
    lines.push("management_agent.disable_metrics_collector = true");
  }
  return `${lines.join("\n")}\n`;
}

function rabbitmqEnv({ home, distPort, epmdPort }: RabbitmqOptions): NodeJS.ProcessEnv {
  const folder = join(home.data, "rabbitmq");
  // Whatever RABBITMQ_* the caller has set belongs to another broker.
  const own = Object.entries(process.env).filter(([name]) => !/^(RABBITMQ_|ERL_)/.test(name));
  return {
    ...Object.fromEntries(own),
    HOME: folder,
    RABBITMQ_NODENAME: "sluice@localhost",
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    RUNNING_UNDER_SYSTEMD: "true",
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: LOOPBACK,
    // Otherwise epmd refuses to be ended for as long as it believes that a (killed) broker is registered.
    ERL_EPMD_RELAXED_COMMAND_CHECK: "1",
  };
}

/** Erlang would make one itself, from the clock; and it refuses a cookie that others may read. */
function erlangCookie(folder: string): void {
  secretIn(join(folder, ".erlang.cookie"));
}

export async function pingRabbitmq(url: string): Promise<void> {
  const connection = await connect(url, { timeout: ANSWER_TIMEOUT_MS });
  await connection.close();
}
