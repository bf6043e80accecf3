import { type Address, formatAddress, maskAddress } from "@sluice/contract/policy/address.ts";
import type { CompiledPolicy, CompiledRule, Verdict } from "@sluice/contract/policy/decide.ts";
import {
  arrive,
  type CompiledLimit,
  REFUSED,
  standing,
  ticksAt,
} from "@sluice/contract/policy/rate-limit.ts";

/** What a limit is charged by: of a recorded request, so far as the record says it. */
export interface Arrival {
  readonly address: Address;
  /** The edge's route; undefined when the record doesn't say. */
  readonly route: string | undefined;
  /** Unix time, milliseconds; undefined when the record doesn't say. */
  readonly atMs: number | undefined;
  /** The address stands for its network: whose requests count together can't be told. */
  readonly truncated: boolean;
}

export type NotTriedReason = "user-unknown" | "route-unknown" | "time-unknown" | "address-truncated";

/** A limit that could not be charged for some requests, which are taken as let in by it. */
export interface NotTried {
  readonly rule: string;
  readonly because: NotTriedReason;
  requests: number;
}

export interface LimitReplay {
  /** As the edge charges: the verdict of the first limit that refuses, of those that the decision passed. */
  charge(policy: CompiledPolicy, arrival: Arrival): Verdict | undefined;
  notTried(): NotTried[];
}

/** The edge counts an IPv6 client by its /64. */
const ipv6NetworkLength = 64;

/**
 * The limits of one policy over recorded requests, by the times at which they came. The record has no users: a limit
 * by user is not tried, and said to be so. Nothing of what the edge holds now is known here: all counts begin at none.
 */
export function replayLimits(): LimitReplay {
  const dueTimes = new Map<string, number>();
  const notTried = new Map<string, NotTried>();

  const passOver = (rule: string, because: NotTriedReason) => {
    const key = `${rule} ${because}`;
    const held = notTried.get(key);
    if (held === undefined) notTried.set(key, { rule, because, requests: 1 });
    else held.requests += 1;
  };

  return {
    charge: (policy, arrival) => {
      for (let i = 0; i < policy.passedCount; i++) {
        const rule = policy.passed[i] as CompiledRule;
        const limit = rule.limit as CompiledLimit;
        const whose = whoseRequest(limit, arrival);
        if ("because" in whose) {
          passOver(rule.verdict.rule, whose.because);
          continue;
        }
        const now = ticksAt(whose.atMs);
        const key = `${rule.verdict.rule} ${whose.key}`;
        const due = dueTimes.get(key) ?? 0;
        const next = arrive(limit, due, now);
        dueTimes.set(key, next === REFUSED ? standing(limit, due, now) : next);
        if (next !== REFUSED) continue;
        if (rule.enforced) return rule.verdict;
        rule.observed += 1;
      }
      return undefined;
    },
    notTried: () => [...notTried.values()],
  };
}

function whoseRequest(
  { key }: CompiledLimit,
  { address, route, atMs, truncated }: Arrival,
): { readonly key: string; readonly atMs: number } | { readonly because: NotTriedReason } {
  if (key === "user") return { because: "user-unknown" };
  if (atMs === undefined) return { because: "time-unknown" };
  if (key === "route") return route === undefined ? { because: "route-unknown" } : { key: route, atMs };
  if (truncated) return { because: "address-truncated" };
  const client = address.family === 4 ? address : maskAddress(address, ipv6NetworkLength);
  return { key: formatAddress(client), atMs };
}
