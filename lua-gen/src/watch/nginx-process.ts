import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Platform } from "../nginx/platform.ts";

/** Something that takes SIGHUP for "read everything anew": an nginx of ours, or one that runs elsewhere. */
export interface Reloadable {
  reload(): void;
  close(): Promise<void>;
}

/** Starts nginx in the foreground; its log comes out here. */
export function startNginx(platform: Platform, file: string, ended: (status: number) => void): Reloadable {
  const args = ["-c", file, "-p", `${dirname(file)}/`, "-e", "stderr"];
  const child: ChildProcess = spawn(platform.binary, args, { stdio: ["ignore", "inherit", "inherit"] });
  child.once("error", () => ended(1));
  child.once("exit", (status) => ended(status ?? 1));
  return {
    reload: () => void child.kill("SIGHUP"),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** The nginx whose master wrote this pid file. It may come and go. */
export function foreignNginx(pidFile: string): Reloadable {
  return {
    reload() {
      try {
        process.kill(Number(readFileSync(pidFile, "utf8")), "SIGHUP");
      } catch (error) {
        console.error(`no nginx to reload: ${(error as Error).message}`);
      }
    },
    close: async () => {},
  };
}
