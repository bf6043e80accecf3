/**
 * `npm run test:compose`: builds the images, brings the composed system up under a name and on ports of its own,
 * runs the journeys of test/ against it through the edge, and removes it with its volumes, however it went.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { globSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type ComposedSystem, composedSystem } from "../compose/composed.ts";
import { freePorts, LOOPBACK } from "../process/ports.ts";
import { expectOk } from "../services/node-role.ts";
import { checkout } from "../settings.ts";

const READY_TIMEOUT_MS = 60_000;
const ASK_AGAIN_MS = 250;
/** The journeys come from addresses of their own and wait for orders to expire. */
const SETTINGS = {
  ORDER_TTL_SECONDS: "3",
  EDGE_WORKERS: "2",
  // Where Docker's own networks come from (RFC 1918): the tests reach the edge through its gateway.
  EDGE_TRUSTED_PROXIES: "172.16.0.0/12,192.168.0.0/16,10.0.0.0/8",
};

export async function testCompose(named: readonly string[]): Promise<number> {
  const [edgePort, opsPort] = (await freePorts(2)) as [number, number];
  const project = `sluice-test-${randomBytes(4).toString("hex")}`;
  const system = composedSystem(checkout, project, {
    ...SETTINGS,
    EDGE_PORT: String(edgePort),
    PUBLIC_URL: `http://${LOOPBACK}:${edgePort}`,
    OPS_PORT: String(opsPort),
  });
  // Docker's client is interrupted by the terminal; what it has begun is taken down below all the same.
  const stayAlive = () => console.error("\n  stopping");
  process.on("SIGINT", stayAlive);
  try {
    return await runJourneys(
      system,
      named,
      `http://${LOOPBACK}:${edgePort}`,
      `http://${LOOPBACK}:${opsPort}`,
    );
  } finally {
    await system.down();
    process.off("SIGINT", stayAlive);
  }
}

async function runJourneys(
  system: ComposedSystem,
  named: readonly string[],
  edgeUrl: string,
  opsUrl: string,
): Promise<number> {
  try {
    await system.up();
    await untilReady(`${edgeUrl}/readyz`);
  } catch (error) {
    console.error(system.logs());
    throw error;
  }
  const code = await runTests(named, {
    SLUICE_TEST_EDGE_URL: edgeUrl,
    SLUICE_TEST_OPS_URL: opsUrl,
    SLUICE_TEST_OPS_TOKEN: system.read("api", ["cat", "/secrets/ops-token"]).trim(),
    SLUICE_TEST_AUDIT: system.shellCommand("api", ["/sluice/origin/container/start.sh", "audit"]),
  });
  if (code !== 0) console.error(system.logs());
  return code;
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await expectOk(url);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(ASK_AGAIN_MS);
    }
  }
}

async function runTests(named: readonly string[], env: Record<string, string>): Promise<number> {
  const files = named.length > 0 ? named : globSync("test/journeys/**/*.test.ts", { cwd: checkout });
  const child = spawn(process.execPath, ["--test", "--test-concurrency=1", ...files], {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
