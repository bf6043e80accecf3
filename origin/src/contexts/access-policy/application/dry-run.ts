import { type Address, formatAddress, parseAddress, parseCidr } from "@sluice/contract/policy/address.ts";
import { type AddressTable, createAddressTable, setBlock } from "@sluice/contract/policy/address-table.ts";
import { type AccessState, compilePolicy, decide, type Verdict } from "@sluice/contract/policy/decide.ts";
import { ASN_UNKNOWN, COUNTRY_UNKNOWN, type PolicyDocument } from "@sluice/contract/policy/document.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { edgePath } from "./edge-path.ts";
import type { AccessLists, Geo, ListName, Policies } from "./ports.ts";
import { type Arrival, type LimitReplay, type NotTried, replayLimits } from "./replay-limits.ts";

/**
 * What a draft would have done to requests that were made. Each request is decided twice, by the policy in force
 * and by the draft, with the lists and the time of now: all that differs is the draft. Both are the edge's own code.
 *
 * Limits are charged by the times at which the requests came (replay-limits.ts). Where the edge recorded one of many,
 * they see one of many: the report says how many requests the record stands for.
 */
export interface DryRunDependencies {
  readonly lists: AccessLists;
  readonly policies: Pick<Policies, "current">;
  readonly geo: Geo;
  readonly clock: Clock;
}

export interface RequestToTry {
  readonly ip: string;
  readonly country: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** What only limits ask for; see `Arrival`. */
  readonly route?: string | undefined;
  readonly atMs?: number | undefined;
  readonly truncated?: boolean | undefined;
  /** How many requests this one stands for; 1 unless given. */
  readonly weight?: number | undefined;
}

/** One that says nothing of its country comes from where its address is. */
export interface GivenRequest extends Omit<RequestToTry, "country"> {
  readonly country: string | undefined;
}

export interface TriedVerdict {
  readonly action: "allow" | "deny";
  readonly status: number;
  readonly reason: string;
  readonly rule: string;
}

export interface DryRunReport {
  /** The revision that the draft was compared with. */
  revision: number;
  requests: number;
  /** How many requests the edge made its sample from; greater than `requests` when it recorded one of many. */
  standFor: number;
  /** Requests whose address could not be read. */
  skipped: number;
  deniedToday: number;
  deniedByDraft: number;
  /** Requests that would be answered otherwise. */
  changes: { count: number; examples: Change[] };
  byRule: RuleTotal[];
  byCountry: CountryTotal[];
  /** Limits of the draft that could not be charged for all requests that matched. */
  limitsNotTried: NotTried[];
}

export interface Change extends RequestToTry {
  readonly today: TriedVerdict;
  readonly draft: TriedVerdict;
}

export interface RuleTotal {
  readonly reason: string;
  readonly rule: string;
  today: number;
  draft: number;
  /** Times that the draft's rule matched in mode `observe`. */
  observed: number;
  /** Requests that the draft decides by it. */
  samples: RequestToTry[];
}

export interface CountryTotal {
  readonly country: string;
  requests: number;
  deniedToday: number;
  deniedByDraft: number;
}

export const dryRunLimits = { changesMax: 100, samplesMax: 3, listPage: 10_000 } as const;

/** Yields the report so far after each batch: the same object, which the last one completes. */
export async function* dryRun(
  on: DryRunDependencies,
  draft: PolicyDocument,
  batches: AsyncIterable<readonly RequestToTry[]>,
): AsyncGenerator<DryRunReport> {
  const nowMs = on.clock();
  const { revision, document } = await on.policies.current();
  const [allow, deny] = [await loadList(on.lists, "allow", nowMs), await loadList(on.lists, "deny", nowMs)];
  const trial = createTrial(
    { allow, deny, policy: compilePolicy(document) },
    { allow, deny, policy: compilePolicy(draft) },
    { revision, nowMs, geo: on.geo },
  );
  yield trial.report();
  for await (const batch of batches) {
    // Workers record beside each other; limits want the requests as they came.
    const inTime = batch.toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
    for (const request of inTime) trial.add(request);
    yield trial.report();
  }
}

/** Requests from elsewhere, made ready for {@link dryRun}: with the path as the edge reads it, and with a country. */
export async function* locate(
  batches: AsyncIterable<readonly GivenRequest[]>,
  geo: Geo,
): AsyncGenerator<RequestToTry[]> {
  for await (const batch of batches) yield batch.map((request) => located(request, geo));
}

function located(given: GivenRequest, geo: Geo): RequestToTry {
  const { ip, method, path, host, country, atMs } = given;
  const read = edgePath(path);
  // The edge answers 400 to what it can't read, whatever the policy says: without an address it is skipped.
  if (read.outcome === "unreadable") return { ip: "", country: COUNTRY_UNKNOWN, method, path, host };
  const address = country === undefined ? parseAddress(ip) : undefined;
  const found = address === undefined ? COUNTRY_UNKNOWN : geo.countryOf(formatAddress(address));
  return {
    ip,
    country: country ?? found,
    method,
    path: read.path,
    host: host.toLowerCase(),
    atMs,
  };
}

async function loadList(lists: AccessLists, list: ListName, nowMs: number): Promise<AddressTable> {
  const blocks = createAddressTable();
  let afterId = 0;
  for (;;) {
    const page = await lists.page(list, afterId, dryRunLimits.listPage, nowMs);
    for (const { id, cidr, expiresAtMs } of page) {
      const block = parseCidr(cidr);
      if (block !== undefined) setBlock(blocks, block, id, 0, expiresAtMs ?? 0);
      afterId = id;
    }
    if (page.length < dryRunLimits.listPage) return blocks;
  }
}

function createTrial(
  today: AccessState,
  draft: AccessState,
  at: { revision: number; nowMs: number; geo: Geo },
) {
  const rules = new Map<string, RuleTotal>();
  const countries = new Map<string, CountryTotal>();
  const counts = { requests: 0, standFor: 0, skipped: 0, deniedToday: 0, deniedByDraft: 0 };
  const [limitsToday, limitsOfDraft] = [replayLimits(), replayLimits()];
  const changes: DryRunReport["changes"] = { count: 0, examples: [] };
  const asked = {
    address: undefined as unknown as Address,
    country: "",
    asn: ASN_UNKNOWN,
    method: "",
    path: "",
    host: "",
  };
  const usesAsn = today.policy.usesAsn || draft.policy.usesAsn;
  const question = { ...asked, nowMs: at.nowMs };

  const totalOf = ({ reason, rule }: Pick<Verdict, "reason" | "rule">): RuleTotal => {
    const key = `${reason} ${rule}`;
    const held = rules.get(key);
    if (held !== undefined) return held;
    const made = { reason, rule, today: 0, draft: 0, observed: 0, samples: [] };
    rules.set(key, made);
    return made;
  };
  const countryOf = (country: string): CountryTotal => {
    const held = countries.get(country);
    if (held !== undefined) return held;
    const made = { country, requests: 0, deniedToday: 0, deniedByDraft: 0 };
    countries.set(country, made);
    return made;
  };

  function verdictOf(state: AccessState, limits: LimitReplay, arrival: Arrival): Verdict {
    const verdict = decide(state, question, undefined);
    if (verdict.action === "deny") return verdict;
    return limits.charge(state.policy, arrival) ?? verdict;
  }

  function add(request: RequestToTry): void {
    const address = parseAddress(request.ip);
    if (address === undefined) {
      counts.skipped += 1;
      return;
    }
    Object.assign(question, request, { address });
    // The record has none: it is looked up, where it is asked for, as of now.
    if (usesAsn) question.asn = at.geo.asnOf(formatAddress(address));
    const { route, atMs, truncated = false, weight = 1 } = request;
    const arrival = { address, route, atMs, truncated };
    const before = verdictOf(today, limitsToday, arrival);
    const after = verdictOf(draft, limitsOfDraft, arrival);
    counts.standFor += weight;
    for (const tally of [counts, countryOf(request.country)]) {
      tally.requests += 1;
      if (before.action === "deny") tally.deniedToday += 1;
      if (after.action === "deny") tally.deniedByDraft += 1;
    }
    totalOf(before).today += 1;
    const total = totalOf(after);
    total.draft += 1;
    if (total.samples.length < dryRunLimits.samplesMax) total.samples.push(bare(request));
    // A request that another rule answers in the same way has not changed for who sent it.
    if (before.action === after.action && before.status === after.status) return;
    changes.count += 1;
    if (changes.examples.length >= dryRunLimits.changesMax) return;
    changes.examples.push({ ...bare(request), today: { ...before }, draft: { ...after } });
  }

  function report(): DryRunReport {
    for (const { enforced, observed, verdict } of draft.policy.rules) {
      if (!enforced) totalOf(verdict).observed = observed;
    }
    const byRule = [...rules.values()].sort((a, b) => b.draft + b.observed - a.draft - a.observed);
    const byCountry = [...countries.values()].sort((a, b) => b.requests - a.requests);
    return {
      revision: at.revision,
      ...counts,
      changes,
      byRule,
      byCountry,
      limitsNotTried: limitsOfDraft.notTried(),
    };
  }

  return { add, report };
}

function bare({ ip, country, method, path, host }: RequestToTry): RequestToTry {
  return { ip, country, method, path, host };
}
