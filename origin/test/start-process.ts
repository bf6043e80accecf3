import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface TestProcess {
  readonly url: string;
  kill(signal: NodeJS.Signals): void;
  /** Ends it if it still runs. */
  close(): Promise<void>;
}

const script = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The api role as a process of its own, on free ports; `environment` is that of an api that a test has started. */
export async function startApiProcess(environment: Readonly<Record<string, string>>): Promise<TestProcess> {
  const child = spawn(process.execPath, [script, "api"], {
    env: {
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...environment,
      API_PORT: "0",
      OPS_PORT: "0",
      LOG_LEVEL: "info",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const port = await apiPort(child);
  child.stdout?.resume();
  return {
    url: `http://127.0.0.1:${port}`,
    kill: (signal) => void child.kill(signal),
    close: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function apiPort({ stdout }: ChildProcess): Promise<number> {
  if (stdout === null) throw new Error("the process has no output");
  for await (const line of createInterface(stdout)) {
    const entry = JSON.parse(line) as { msg: string; apiPort?: number };
    if (entry.apiPort !== undefined) return entry.apiPort;
  }
  throw new Error("the api ended before it listened");
}
