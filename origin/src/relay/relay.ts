import { setTimeout as delay } from "node:timers/promises";
import { beginAt } from "./begin.ts";
import { sampleCoherence } from "./coherence.ts";
import { follow } from "./follow.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { awaitLead, type Leadership } from "./leader.ts";
import { type LogFault, logFaultOf } from "./log-fault.ts";
import { openPlace } from "./place.ts";
import { startPublisher } from "./publisher.ts";
import { RebuildAsked } from "./rebuild.ts";
import type { RelayOptions } from "./relay-options.ts";
import { newGauges, tellStatus } from "./status.ts";

/**
 * Brings what is committed to where it is read:
 *
 *     standing by ──lead──▶ claim ──▶ begin ──▶ following ──any failure──▶ wait ──▶ (again, from the claim)
 *          ▲                                        │
 *          └─────────────── lead lost ──────────────┘
 *
 * There is one way out of every trouble: let go of everything, read in Redis how far it got, and follow from
 * there. Applying a change again is harmless, so nobody has to find out what a failed batch had done. While
 * Redis or MySQL is away nothing is read, so memory stays bounded.
 */
export interface Relay {
  close(): Promise<void>;
}

export const relayLimits = {
  retryMinMs: 50,
  retryMaxMs: 1_000,
  /** What went well for so long and fails then is a new trouble: retries start with the shortest pause. */
  steadyMs: 5_000,
} as const;

export function startRelay(options: RelayOptions): Relay {
  const stop = new AbortController();
  const running = leadAndRelay(options, stop.signal);
  return {
    close: async () => {
      stop.abort(new Error("the relay is stopping"));
      await running;
    },
  };
}

async function leadAndRelay(options: RelayOptions, stop: AbortSignal): Promise<void> {
  const { mysqlUrl, redis, logger } = options;
  while (!stop.aborted) {
    let leadership: Leadership | undefined;
    try {
      leadership = await awaitLead({ url: mysqlUrl, redisPrefix: redis.prefix, signal: stop, logger });
    } catch (error) {
      if (stop.aborted) return;
      throw error;
    }
    logger.info("this relay leads");
    await relayWhile(AbortSignal.any([stop, leadership.lost]), options, leadership);
    await leadership.close();
    if (!stop.aborted) logger.warn({ err: String(leadership.lost.reason) }, "this relay no longer leads");
  }
}

/** Follows, and after each failure follows again, until `signal` aborts. */
async function relayWhile(signal: AbortSignal, options: RelayOptions, leadership: Leadership): Promise<void> {
  const { redis, database, tables, mysqlUrl: url, clock, newId, logger } = options;
  const publisher = await startPublisher(options);
  const heartbeat = startHeartbeat(database, clock, logger);
  const gauges = newGauges();
  const sampling = sampleCoherence({ redis, database, tables, clock, random: options.random, logger });
  gauges.coherence = sampling.status;
  const telling = tellStatus(gauges, { redis, database, clock, logger });
  const pauses = retryPauses();
  let fault: LogFault | undefined;
  while (!signal.aborted) {
    pauses.began();
    try {
      const token = newId();
      await leadership.claim(redis, token);
      const place = await openPlace(redis, token);
      const checkpoint = await beginAt({ url, redis, tables, place, token, newId, fault, logger });
      fault = undefined;
      await follow({ options, checkpoint, place, token, publisher, heartbeat, gauges, signal });
    } catch (error) {
      if (signal.aborted) break;
      const message = (error as Error).message;
      fault = logFaultOf(error);
      gauges.state = "waiting";
      if (!(error instanceof RebuildAsked)) gauges.lastError = { atMs: clock(), message };
      const { first, pauseMs } = pauses.next();
      if (first || fault !== undefined)
        logger.warn({ err: message }, "relaying was interrupted, starting again");
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
  await telling.close();
  await sampling.close();
  await heartbeat.close();
  await publisher.close();
}

function retryPauses() {
  let failures = 0;
  let beganMs = performance.now();
  return {
    began: () => {
      beganMs = performance.now();
    },
    next: () => {
      if (performance.now() - beganMs > relayLimits.steadyMs) failures = 0;
      const first = failures === 0;
      return { first, pauseMs: Math.min(relayLimits.retryMinMs * 2 ** failures++, relayLimits.retryMaxMs) };
    },
  };
}
