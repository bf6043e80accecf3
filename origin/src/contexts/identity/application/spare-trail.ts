import type { Clock } from "../../../kernel/clock.ts";
import { type AttemptBudget, spend } from "../domain/attempt-budget.ts";
import { identityErrors } from "../errors.ts";
import type { Trail, TrailEvent } from "./trail.ts";

/** Of one address: enough to see what it tries, and a day of it is no more than 8,700 entries. */
export const strangerBudget: AttemptBudget = { burst: 50, refillMs: 10_000 };
/** Addresses that are remembered; the one that was heard of the longest ago is forgotten first. */
export const strangersMax = 10_000;

/**
 * A trail that nobody can flood who is nobody: to be refused costs a stranger one request, and what it would write must
 * not push out what others did. Whatever is known to be of a user goes on record always: those are few, or throttled;
 * but that they are throttled is said as often as they ask.
 */
export function spareTrail(trail: Trail, clock: Clock): Trail {
  const fullAtMs = new Map<string, number>();
  const mayRecord = (address: string) => {
    const nowMs = clock();
    const spent = spend(strangerBudget, fullAtMs.get(address) ?? 0, nowMs);
    fullAtMs.delete(address);
    fullAtMs.set(address, spent.fullAtMs);
    if (fullAtMs.size > strangersMax) fullAtMs.delete(fullAtMs.keys().next().value ?? address);
    return spent.waitMs === 0;
  };
  return {
    record: (event) => {
      if (!isForTheAsking(event) || mayRecord(event.client.address)) trail.record(event);
    },
  };
}

function isForTheAsking({ kind, userId, detail }: TrailEvent): boolean {
  return kind.endsWith("_refused") && (userId === undefined || detail === identityErrors.throttled.code);
}
