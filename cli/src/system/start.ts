/**
 * The start of the whole system, as a table of contents. RabbitMQ takes longest to boot, so everything that
 * does not need it happens meanwhile.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "../process/home.ts";
import { LOOPBACK } from "../process/ports.ts";
import type { Progress } from "../process/progress.ts";
import { runTask } from "../process/task.ts";
import { startMariadb } from "../services/mariadb.ts";
import { startNginx } from "../services/nginx.ts";
import { type NodeRoleOptions, RELAY_NODE_FLAGS, startNodeRole } from "../services/node-role.ts";
import { startRabbitmq } from "../services/rabbitmq.ts";
import { startRedis } from "../services/redis.ts";
import type { RunningService } from "../services/service.ts";
import type { Settings } from "../settings.ts";
import { edgeEnvironment, geoFolder, originEnvironment } from "./environment.ts";
import type { PartName } from "./parts.ts";
import { makeSecrets } from "./secrets.ts";
import type { Supervisor } from "./supervisor.ts";

export interface SystemContext {
  settings: Settings;
  home: Home;
  supervisor: Supervisor;
  progress: Progress;
}

const MAIN = "origin/src/main.ts";
const GEO = "edge/geo/main.ts";

export async function startSystem(context: SystemContext): Promise<void> {
  const { settings, home } = context;
  const secrets = makeSecrets(home);
  const edge = edgeEnvironment(settings, secrets, home);
  for (const name of ["edge", "payments"]) mkdirSync(join(home.data, name), { recursive: true });

  await Promise.all([startOrigin(context, originEnvironment(settings, secrets, home)), buildEdge(context)]);
  const folder = join(home.data, "edge");
  await task(context, "edge-conf", "edge/conf.ts", ["--out", folder], edge);
  const config = join(folder, "nginx.conf");
  await Promise.all([
    part(context, "edge", () => startNginx({ home, port: settings.ports.edge, config, env: edge })),
    role(context, "geo", GEO, ["follow", ...geoArguments(context)], {}),
  ]);
}

async function startOrigin(context: SystemContext, env: Record<string, string>): Promise<void> {
  const { settings, home } = context;
  const { ports } = settings;
  await Promise.all([
    startDatabase(context, env),
    part(context, "redis", () => startRedis({ home, durable: true, port: ports.redis })),
    part(context, "rabbitmq", () => {
      const { rabbitmq: port, rabbitmqDist: distPort, rabbitmqEpmd: epmdPort } = ports;
      return startRabbitmq({ home, port, distPort, epmdPort });
    }),
    task(context, "keys", MAIN, ["keys", "--dir", home.keys], env),
  ]);
  await Promise.all([
    role(context, "payments", "origin/sandbox/payments.ts", [], env, listening(ports.payments, "/healthz")),
    role(context, "api", MAIN, ["api"], env, listening(ports.api, "/readyz")),
    role(context, "relay", MAIN, ["relay"], env, { nodeFlags: RELAY_NODE_FLAGS }),
    role(context, "worker", MAIN, ["worker"], env),
  ]);
}

async function buildEdge(context: SystemContext): Promise<void> {
  await Promise.all([
    // Whether types fit is for those who change them: `npm run check`.
    task(context, "lua-gen", "lua-gen/bin/lua-gen.mjs", ["build", "-p", "edge", "--no-check"], {}),
    task(context, "geo-compile", GEO, ["compile", ...geoArguments(context)], {}),
  ]);
}

function geoArguments({ settings, home }: SystemContext): string[] {
  const { geoipCountryDb, geoipAsnDb } = settings;
  const asn = geoipAsnDb === "" ? [] : ["--asn", geoipAsnDb];
  return ["--out", geoFolder(home), "--country", geoipCountryDb, ...asn];
}

async function startDatabase(context: SystemContext, env: Record<string, string>): Promise<void> {
  const { settings, home } = context;
  await part(context, "mysql", () =>
    startMariadb({ home, port: settings.ports.mysql, durable: true, mayCreateDatabases: false }),
  );
  await task(context, "migrate", MAIN, ["migrate"], env);
  await task(context, "seed", MAIN, ["seed"], env);
}

function part(context: SystemContext, name: PartName, launch: () => Promise<RunningService>): Promise<void> {
  return context.progress.step(name, () => context.supervisor.start(name, launch));
}

function role(
  context: SystemContext,
  name: PartName,
  script: string,
  args: string[],
  env: Record<string, string>,
  more: Pick<NodeRoleOptions, "port" | "readyUrl" | "nodeFlags"> = {},
): Promise<void> {
  const { home, settings } = context;
  const options: NodeRoleOptions = { name, home, checkout: settings.checkout, script, args, env, ...more };
  return part(context, name, () => startNodeRole(options));
}

function listening(port: number, readyPath: string): Pick<NodeRoleOptions, "port" | "readyUrl"> {
  return { port, readyUrl: `http://${LOOPBACK}:${port}${readyPath}` };
}

function task(
  context: SystemContext,
  name: string,
  script: string,
  args: string[],
  env: Record<string, string>,
): Promise<void> {
  const { home, settings, supervisor, progress } = context;
  const command = process.execPath;
  const work = () => runTask({ name, home, cwd: settings.checkout, command, args: [script, ...args], env });
  return progress.step(name, () => supervisor.run(name, work));
}
