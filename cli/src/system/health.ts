/** Asks every part of a running system how it is, each in its own language and within two seconds. */
import type { Home } from "../process/home.ts";
import { LOOPBACK } from "../process/ports.ts";
import { livingRecord, type ProcessRecord } from "../process/record.ts";
import { pingMariadb } from "../services/mariadb.ts";
import { expectOk } from "../services/node-role.ts";
import { pingRabbitmq } from "../services/rabbitmq.ts";
import { pingRedis } from "../services/redis.ts";
import type { Settings } from "../settings.ts";
import { originEnvironment } from "./environment.ts";
import { PARTS, type PartName } from "./parts.ts";
import { makeSecrets } from "./secrets.ts";

export interface PartHealth {
  name: PartName;
  state: "healthy" | "starting" | "unhealthy" | "down";
  pid: number | null;
  port: number | null;
  uptimeSeconds: number | null;
  restarts: number;
  /** Why it is not healthy. */
  reason?: string;
}

export async function systemHealth(settings: Settings, home: Home, now: Date): Promise<PartHealth[]> {
  return Promise.all(PARTS.map((name) => partHealth(name, settings, home, now)));
}

async function partHealth(name: PartName, settings: Settings, home: Home, now: Date): Promise<PartHealth> {
  const record = livingRecord(home, name);
  if (!record) return { name, state: "down", pid: null, port: null, uptimeSeconds: null, restarts: 0 };
  const known = {
    name,
    pid: record.pid,
    port: record.port ?? null,
    uptimeSeconds: Math.max(0, Math.round((now.getTime() - Date.parse(record.startedAt)) / 1000)),
    restarts: record.restarts,
  };
  try {
    await ask(record, name, settings, home);
    return { ...known, state: record.ready ? "healthy" : "starting" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...known, state: record.ready ? "unhealthy" : "starting", reason };
  }
}

async function ask(record: ProcessRecord, name: PartName, settings: Settings, home: Home): Promise<void> {
  const env = originEnvironment(settings, makeSecrets(home), home);
  switch (name) {
    case "mysql":
      return pingMariadb(env.MYSQL_URL as string);
    case "redis":
      return pingRedis(env.REDIS_URL as string);
    case "rabbitmq":
      return pingRabbitmq(env.RABBITMQ_URL as string);
    case "api":
    case "edge":
      return expectOk(`http://${LOOPBACK}:${record.port}/readyz`);
    case "payments":
      return expectOk(`http://${LOOPBACK}:${record.port}/healthz`);
    case "geo":
    case "relay":
    case "worker":
      // They listen nowhere: that they live, and said once that they were ready, is what can be known here.
      return;
  }
}
