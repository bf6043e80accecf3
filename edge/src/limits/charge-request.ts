import type { Address } from "@sluice/contract/policy/address.ts";
import type { CompiledPolicy, CompiledRule, Verdict } from "@sluice/contract/policy/decide.ts";
import {
  type CompiledLimit,
  remaining,
  resetSeconds,
  retrySeconds,
  ticksAt,
} from "@sluice/contract/policy/rate-limit.ts";
import { noteRateLimit, noteRetryAfter } from "../platform/request.ts";
import { addressKeyHigh, addressKeyLow } from "./address-key.ts";
import { charge, lastDue, placeInKey } from "./due-times.ts";

/**
 * The limits that a decision passed on its way (`policy.passed`), charged one after the other; a request that a later
 * one refuses has counted for those before it. Nothing in here waits, so all of it happens before any other request
 * of this worker is decided.
 */

/** Of the limits that were charged, the one that the client hears of: it has least left. @perWorker */
let shown: CompiledLimit | undefined;
/** @perWorker */
let shownRemaining = 0;
/** @perWorker */
let shownReset = 0;

/** Some limit waits for the user to be known. @perWorker */
let userAwaited = false;

/**
 * Those by address and by route. Returns the verdict of the first that refuses.
 *
 * @hot
 */
export function chargeRequest(
  policy: CompiledPolicy,
  address: Address,
  route: number,
  nowMs: number,
): Verdict | undefined {
  shown = undefined;
  userAwaited = false;
  const now = ticksAt(nowMs);
  for (let i = 0; i < policy.passedCount; i++) {
    const rule = policy.passed[i] as CompiledRule;
    const limit = rule.limit as CompiledLimit;
    let passes = true;
    if (limit.key === "address") {
      const low = placeInKey(limit.place, addressKeyLow(address));
      passes = charge(limit, addressKeyHigh(address), low, now);
    } else if (limit.key === "route") {
      passes = charge(limit, route, placeInKey(limit.place, 0), now);
    } else {
      userAwaited = true;
      continue;
    }
    if (!settle(rule, limit, passes, now)) return rule.verdict;
  }
  tellClient();
  return undefined;
}

/** Whether {@link chargeUser} has anything to do for the request that was charged last. */
export function awaitsUser(): boolean {
  return userAwaited;
}

/**
 * Those by user, after the others and once the token was verified.
 *
 * @hot
 */
export function chargeUser(
  policy: CompiledPolicy,
  userA: number,
  userB: number,
  nowMs: number,
): Verdict | undefined {
  const now = ticksAt(nowMs);
  for (let i = 0; i < policy.passedCount; i++) {
    const rule = policy.passed[i] as CompiledRule;
    const limit = rule.limit as CompiledLimit;
    if (limit.key === "user") {
      const passes = charge(limit, userA, placeInKey(limit.place, userB), now);
      if (!settle(rule, limit, passes, now)) return rule.verdict;
    }
  }
  tellClient();
  return undefined;
}

/**
 * Whether the request goes on: it always does where the rule only observes.
 *
 * @hot
 */
function settle(rule: CompiledRule, limit: CompiledLimit, passes: boolean, now: number): boolean {
  if (!rule.enforced) {
    if (!passes) rule.observed += 1;
    return true;
  }
  const due = lastDue();
  const left = passes ? remaining(limit, due, now) : 0;
  if (shown === undefined || left <= shownRemaining) {
    shown = limit;
    shownRemaining = left;
    shownReset = resetSeconds(limit, due, now);
  }
  if (passes) return true;
  noteRetryAfter(math.max(1, retrySeconds(limit, due, now)));
  tellClient();
  return false;
}

/** @hot */
function tellClient(): void {
  if (shown === undefined) return;
  noteRateLimit(shown.policyField, `${shown.nameField};r=${shownRemaining};t=${shownReset}`);
}
