/**
 * The composed system as a whole, under a project name and on ports of its own: it meets no other that runs on
 * the machine, and nothing of it is left. `docker compose` and the older docker-compose are spoken to alike.
 */
import { type SpawnOptions, spawn, spawnSync } from "node:child_process";

export interface ComposedSystem {
  readonly project: string;
  /** A shell command that runs `argv` in the container of `service`. */
  shellCommand(service: string, argv: readonly string[]): string;
  /** What the command prints in the container of `service`. */
  read(service: string, argv: readonly string[]): string;
  up(): Promise<void>;
  /** The last lines of each container. */
  logs(): string;
  /** Containers, networks and volumes are gone afterwards. */
  down(): Promise<void>;
}

const LOG_LINES = 25;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

export function composedSystem(
  checkout: string,
  project: string,
  settings: Record<string, string>,
): ComposedSystem {
  const [command, ...words] = composeCommand();
  const prefix = [...words, "--project-name", project];
  const options = { cwd: checkout, env: { ...process.env, ...settings } };
  const inContainer = (service: string, argv: readonly string[]) => ["exec", "-T", service, ...argv];
  const read = (args: readonly string[]) => {
    const run = spawnSync(command, [...prefix, ...args], {
      ...options,
      encoding: "utf8",
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    if (run.status !== 0)
      throw new Error(`${command} ${args.join(" ")}: ${run.stderr}`, { cause: run.error });
    return run.stdout;
  };
  return {
    project,
    shellCommand: (service, argv) => [command, ...prefix, ...inContainer(service, argv)].join(" "),
    read: (service, argv) => read(inContainer(service, argv)),
    up: () => expectSuccess(command, [...prefix, "up", "--detach", "--build"], options),
    logs: () => read(["logs", "--no-color", `--tail=${LOG_LINES}`]),
    down: () => expectSuccess(command, [...prefix, "down", "--volumes", "--remove-orphans"], options),
  };
}

/** The plugin of Docker where it is there, else docker-compose; throws when neither is. */
function composeCommand(): [string, ...string[]] {
  const candidates: [string, ...string[]][] = [["docker", "compose"], ["docker-compose"]];
  for (const candidate of candidates) {
    const [command, ...args] = candidate;
    if (spawnSync(command, [...args, "version"]).status === 0) return candidate;
  }
  throw new Error("neither `docker compose` nor docker-compose is to be had here");
}

async function expectSuccess(command: string, args: string[], options: SpawnOptions): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}`);
}
