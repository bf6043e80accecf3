/**
 * From the moment in which a commit was acknowledged to the moment in which its change is in Redis, and until every
 * edge worker answers with it from its own memory or from Redis.
 *
 * One product is changed, and its change awaited everywhere, before the next change: other writers make the load.
 * The workers are asked over one connection each, again and again, so what is told of them is about a request's
 * time too long rather than too short.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { changesKey } from "@sluice/contract/keys.ts";
import type { Redis } from "ioredis";
import { checkout } from "../../../cli/src/settings.ts";
import type { Stage } from "./stage.ts";

export interface Latencies {
  readonly commitMs: number[];
  readonly redisMs: number[];
  readonly workersMs: number[];
}

export const PROBE_ID = 1;
const arrivalTimeoutMs = 10_000;

export async function measureLatencies(
  stage: Stage,
  ports: readonly number[],
  samples: number,
): Promise<Latencies> {
  const found: Latencies = { commitMs: [], redisMs: [], workersMs: [] };
  const stream = stage.redis.duplicate();
  const agents = ports.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  try {
    for (let sample = 0; sample < samples; sample++) {
      const from = await lastChange(stage.redis);
      const price = 1_000_000 + Math.floor(Math.random() * 1_000_000_000);
      const sentMs = performance.now();
      await stage.sql.query("UPDATE products SET version = version + 1, price_cents = ? WHERE id = ?", [
        price,
        PROBE_ID,
      ]);
      const committedMs = performance.now();
      const [redisMs, ...workersMs] = await Promise.all([
        changed(stream, from),
        ...ports.map((port, at) => answersWith(port, agents[at] as Agent, price)),
      ]);
      found.commitMs.push(committedMs - sentMs);
      found.redisMs.push(Math.max(0, redisMs - committedMs));
      found.workersMs.push(Math.max(0, Math.max(...workersMs) - committedMs));
      await delay(5 + Math.random() * 10);
    }
    return found;
  } finally {
    stream.disconnect();
    for (const agent of agents) agent.destroy();
  }
}

export interface Load {
  /** Ends it; how many commits a second there were. */
  stop(): Promise<number>;
}

/** Resolves when it commits. */
export async function startLoad(
  mysqlUrl: string,
  commitsPerSecond: number,
  firstId: number,
  ids: number,
): Promise<Load> {
  const script = join(checkout, "bench/src/relay/writer.ts");
  const args = [script, mysqlUrl, String(commitsPerSecond), String(firstId), String(ids)];
  const writer = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const printed: string[] = [];
  const lines = createInterface(writer.stdout).on("line", (line) => printed.push(line));
  await once(lines, "line");
  return {
    stop: async () => {
      writer.kill("SIGTERM");
      await once(lines, "close");
      const { commits, seconds } = JSON.parse(printed.at(-1) ?? "") as { commits: number; seconds: number };
      return commits / seconds;
    },
  };
}

async function lastChange(redis: Redis): Promise<string> {
  const [last] = await redis.xrevrange(changesKey(""), "+", "-", "COUNT", 1);
  return last?.[0] ?? "0-0";
}

/** When the stream named the probe after `from`. */
async function changed(stream: Redis, from: string): Promise<number> {
  let position = from;
  const untilMs = performance.now() + arrivalTimeoutMs;
  while (performance.now() < untilMs) {
    const read = await stream.xread("COUNT", 500, "BLOCK", 1_000, "STREAMS", changesKey(""), position);
    const nowMs = performance.now();
    for (const [id, fields] of read?.[0]?.[1] ?? []) {
      position = id;
      for (let at = 2; at < fields.length; at += 2) {
        if (fields[at] === "id" && fields[at + 1] === String(PROBE_ID)) return nowMs;
      }
    }
  }
  throw new Error("a change did not reach Redis");
}

async function answersWith(port: number, agent: Agent, price: number): Promise<number> {
  const untilMs = performance.now() + arrivalTimeoutMs;
  while (performance.now() < untilMs) {
    const body = await ask(port, agent);
    if (body.includes(`"priceCents":${price}`)) return performance.now();
    await delay(0);
  }
  throw new Error("a change did not reach an edge worker");
}

function ask(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ port, agent, path: `/products/${PROBE_ID}` }, (response) => {
      text(response).then(resolve, reject);
    });
    request.once("error", reject);
  });
}
