import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisStore } from "../../../platform/redis/connect.ts";
import type { Attempts } from "../application/ports.ts";
import { type AttemptBudget, giveBack, spend } from "../domain/attempt-budget.ts";
import { networkOf } from "./network-of.ts";

/** Budgets that one process keeps by itself while Redis is away: about 2 MB. The oldest is forgotten for the next. */
const ownBudgetsMax = 10_000;

const script = readFileSync(new URL("attempts.lua", import.meta.url), "utf8");

/**
 * Budgets in Redis, for all processes together. A key lives until its budget is full, and only attempts that were
 * made write one, each of which cost a password hash, or a look for a refresh token, which is forgotten after a
 * second: a flood can't fill Redis. Without Redis
 * each process counts by itself. Names are kept as digests, because people type passwords where the name belongs.
 */
export function attemptsIn(redis: RedisStore): Attempts {
  const own = new Map<string, number>();
  const ask = (key: string, { refillMs }: AttemptBudget, burst: number, nowMs: number) =>
    redis.client.eval(script, 1, redis.prefix + key, nowMs, refillMs, burst) as Promise<number>;
  return {
    take: async (kind, who, budget, nowMs) => {
      const key = keyOf(kind, who);
      const waitMs = redis.isUp() ? await ask(key, budget, budget.burst, nowMs).catch(noAnswer) : undefined;
      if (waitMs === 0)
        return { giveBack: async () => void (await ask(key, budget, 0, nowMs).catch(noAnswer)) };
      if (waitMs !== undefined) return { waitMs };
      const spent = spend(budget, own.get(key) ?? 0, nowMs);
      if (spent.waitMs > 0) return { waitMs: spent.waitMs };
      put(own, key, spent.fullAtMs);
      return { giveBack: async () => put(own, key, giveBack(budget, own.get(key) ?? 0)) };
    },
  };
}

/** A Redis that is going away is one that is away. */
function noAnswer(): undefined {
  return undefined;
}

/** Kept by address; all others by names and ids. */
const byNetwork: readonly string[] = ["address", "unknownToken"];

function keyOf(kind: string, who: string): string {
  const digest = createHash("sha256").update(byNetwork.includes(kind) ? networkOf(who) : who);
  return `attempts:${kind}:${digest.digest("base64url").slice(0, 22)}`;
}

function put(budgets: Map<string, number>, key: string, fullAtMs: number): void {
  budgets.delete(key);
  budgets.set(key, fullAtMs);
  const [oldest] = budgets.keys();
  if (budgets.size > ownBudgetsMax && oldest !== undefined) budgets.delete(oldest);
}
