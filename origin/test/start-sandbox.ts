import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface TestSandbox {
  readonly url: string;
  close(): Promise<void>;
}

const script = fileURLToPath(new URL("../sandbox/payments.ts", import.meta.url));

/** The payments sandbox as a process of its own, on a free port. */
export async function startTestSandbox(
  secretFile: string,
  settings: Record<string, string> = {},
): Promise<TestSandbox> {
  const child = spawn(process.execPath, [script], {
    env: {
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      PAYMENTS_PORT: "0",
      PAYMENTS_SECRET_FILE: secretFile,
      ...settings,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  let port: number | undefined;
  for await (const line of createInterface(child.stdout)) {
    const entry = JSON.parse(line) as { msg: string; port: number };
    if (entry.msg === "ready") {
      port = entry.port;
      break;
    }
  }
  if (port === undefined) throw new Error("the payments sandbox ended before it was ready");
  child.stdout.resume();
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
