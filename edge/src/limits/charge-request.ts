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
import { limitTimes } from "./limit-times.ts";

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
 * Two without a loop, inside which LuaJIT would not compile the whole decision: most requests pass no more.
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
  const count = policy.passedCount;
  let refusal = chargeOne(policy.passed[0] as CompiledRule, address, route, now);
  if (refusal === undefined && count > 1) {
    refusal = chargeOne(policy.passed[1] as CompiledRule, address, route, now);
    if (refusal === undefined && count > 2) refusal = chargeRest(policy, address, route, now);
  }
  if (refusal === undefined) tellClient();
  return refusal;
}

function chargeRest(
  policy: CompiledPolicy,
  address: Address,
  route: number,
  now: number,
): Verdict | undefined {
  for (let i = 2; i < policy.passedCount; i++) {
    const refusal = chargeOne(policy.passed[i] as CompiledRule, address, route, now);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** @hot */
function chargeOne(rule: CompiledRule, address: Address, route: number, now: number): Verdict | undefined {
  const limit = rule.limit as CompiledLimit;
  let passes = true;
  if (limit.key === "address") {
    const low = placeInKey(limit.place, addressKeyLow(address));
    passes = charge(limitTimes(), limit, addressKeyHigh(address), low, now);
  } else if (limit.key === "route") {
    passes = charge(limitTimes(), limit, route, placeInKey(limit.place, 0), now);
  } else {
    userAwaited = true;
    return undefined;
  }
  return settle(rule, limit, passes, now) ? undefined : rule.verdict;
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
      const passes = charge(limitTimes(), limit, userA, placeInKey(limit.place, userB), now);
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
  noteRateLimit(shown.policyField, fieldOf(shown, shownRemaining, shownReset));
}

/**
 * The field's text. Making it costs more than the charge does, and most requests have one of a few: what is left is
 * near the burst.
 *
 * @hot
 */
function fieldOf(limit: CompiledLimit, left: number, reset: number): string {
  const key = left * RESET_SECONDS_BELOW + reset;
  const texts = fields.get(limit);
  const known = texts === undefined ? undefined : texts.get(key);
  return known === undefined ? makeField(limit, left, reset, key) : known;
}

function makeField(limit: CompiledLimit, left: number, reset: number, key: number): string {
  // Those of limits that are no longer in force go, too.
  if (fieldCount >= FIELDS_MAX) {
    fields = new LuaTable();
    fieldCount = 0;
  }
  let texts = fields.get(limit);
  if (texts === undefined) {
    texts = new LuaTable();
    fields.set(limit, texts);
  }
  const text = `${limit.nameField};r=${string.format("%d", left)};t=${string.format("%d", reset)}`;
  texts.set(key, text);
  fieldCount += 1;
  return text;
}

/** @perWorker */
let fields = new LuaTable<CompiledLimit, LuaTable<number, string>>();
/** @perWorker */
let fieldCount = 0;
const FIELDS_MAX = 4_096;
/** More than LIMIT_REFILL_SECONDS_MAX. */
const RESET_SECONDS_BELOW = 1_048_576;
