import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { leaderKey } from "@sluice/contract/keys.ts";
import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Logger } from "../platform/logger.ts";
import type { RedisStore } from "../platform/redis/connect.ts";
import { redisScript } from "../platform/redis/script.ts";
import { connectExact, databaseOf } from "./connection.ts";

/**
 * One relay leads: it holds a named lock of the database server on a connection of its own. The server gives
 * the lock to the next one when that connection ends, at once when the process dies, and after
 * `idleMaxSeconds` when the machine vanished. Redis knows the leader by a token, which each write names: what one
 * that was paused so long still sends when it wakes is refused (`lead.lua`).
 */
export interface Leadership {
  /** Aborted when the lock may be somebody else's. */
  readonly lost: AbortSignal;
  /** Makes this token the leader's in Redis. Throws when another relay leads, or has just begun to. */
  claim(redis: RedisStore, token: string): Promise<void>;
  close(): Promise<void>;
}

export const leaderLimits = {
  waitSeconds: 1,
  pingEveryMs: 1_000,
  pingTimeoutMs: 2_000,
  idleMaxSeconds: 3,
  retryMs: 500,
} as const;

export interface LeaderOptions {
  readonly url: string;
  readonly redisPrefix: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Waits until this process leads. Rejects only when `signal` aborts. */
export async function awaitLead({ url, redisPrefix, signal, logger }: LeaderOptions): Promise<Leadership> {
  const name = lockName(url, redisPrefix);
  let said = "";
  const say = (state: string, details: object) => {
    if (said !== state) logger.info(details, state);
    said = state;
  };
  for (;;) {
    signal.throwIfAborted();
    let connection: Connection | undefined;
    try {
      connection = await connectExact(url);
      await connection.query(`SET SESSION wait_timeout = ${leaderLimits.idleMaxSeconds}`);
      while (!(await tryLock(connection, name))) {
        say("another relay leads, standing by", {});
        signal.throwIfAborted();
      }
      return hold(connection, name);
    } catch (error) {
      connection?.destroy();
      signal.throwIfAborted();
      say("the database can't be asked who leads", { err: (error as Error).message });
      await delay(leaderLimits.retryMs, undefined, { signal });
    }
  }
}

function hold(connection: Connection, name: string): Leadership {
  const lost = new AbortController();
  const lose = (reason: string) => lost.abort(new Error(`leadership was lost: ${reason}`));
  connection.on("error", (error: Error) => lose(error.message));
  const pings = setInterval(async () => {
    try {
      if (!(await stillHeld(connection, name))) lose("the lock is gone");
    } catch (error) {
      lose((error as Error).message);
    }
    if (lost.signal.aborted) clearInterval(pings);
  }, leaderLimits.pingEveryMs);
  return {
    lost: lost.signal,
    claim: async (redis, token) => {
      const key = leaderKey(redis.prefix);
      const seen = (await redis.client.get(key)) ?? "";
      if (!(await stillHeld(connection, name))) lose("the lock is gone");
      lost.signal.throwIfAborted();
      if ((await leadScript.run(redis.client, [key], [seen, token])) !== 1) {
        throw new Error("another relay began to lead");
      }
    },
    close: async () => {
      clearInterval(pings);
      connection.destroy();
    },
  };
}

const leadScript = redisScript(new URL("lead.lua", import.meta.url));

async function tryLock(connection: Connection, name: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>({
    sql: "SELECT GET_LOCK(?, ?) AS taken",
    values: [name, leaderLimits.waitSeconds],
    timeout: leaderLimits.waitSeconds * 1_000 + leaderLimits.pingTimeoutMs,
  });
  return Number(rows[0]?.taken) === 1;
}

async function stillHeld(connection: Connection, name: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>({
    sql: "SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS held",
    values: [name],
    timeout: leaderLimits.pingTimeoutMs,
  });
  return Number(rows[0]?.held) === 1;
}

/** Lock names belong to the whole server and have at most 64 characters. */
function lockName(url: string, redisPrefix: string): string {
  const hash = createHash("sha256")
    .update(`${databaseOf(url)} ${redisPrefix}`)
    .digest("hex");
  return `relay:${hash.slice(0, 32)}`;
}
