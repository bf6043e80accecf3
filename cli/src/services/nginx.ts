/**
 * The edge: nginx (Debian's, with the Lua module) or OpenResty, in the foreground, with a generated
 * configuration. SIGQUIT lets requests in flight finish.
 */
import { statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Home } from "../process/home.ts";
import { startProcess } from "../process/owned-process.ts";
import { LOOPBACK } from "../process/ports.ts";
import { untilReady } from "../process/ready.ts";
import { expectOk } from "./node-role.ts";
import { type RunningService, runningService } from "./service.ts";

export interface NginxOptions {
  home: Home;
  port: number;
  /** The generated nginx.conf. */
  config: string;
  env: Record<string, string>;
}

const START_TIMEOUT_MS = 60_000;
/** A little more than the workers take for it themselves (worker_shutdown_timeout). */
const STOP_GRACE_MS = 12_000;
const FOLDERS = ["/usr/local/openresty/nginx/sbin", "/usr/sbin", "/usr/local/sbin"];

export async function startNginx({ home, port, config, env }: NginxOptions): Promise<RunningService> {
  const owned = await startProcess({
    name: "edge",
    command: nginxBinary(),
    args: ["-p", `${home.data}/edge`, "-c", config, "-e", join(home.logs, "edge.log")],
    env: { ...process.env, ...env },
    home,
    port,
    stopSignal: "SIGQUIT",
    stopGraceMs: STOP_GRACE_MS,
  });
  const url = `http://${LOOPBACK}:${port}`;
  await untilReady(owned, START_TIMEOUT_MS, () => expectOk(`${url}/readyz`));
  return runningService(owned, url);
}

/** The machine's own choice first (PATH), then where Debian and OpenResty put it. */
export function nginxBinary(): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...FOLDERS].filter(
    (folder) => folder !== "",
  );
  for (const folder of folders) {
    for (const name of ["openresty", "nginx"]) {
      if (isProgram(join(folder, name))) return join(folder, name);
    }
  }
  throw new Error(`neither nginx nor openresty found in ${folders.join(":")}`);
}

function isProgram(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o111) !== 0;
}
