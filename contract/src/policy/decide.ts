import { type Cidr, parseCidr } from "./address.ts";
import { type AddressTable, findBlock, idAt, NONE } from "./address-table.ts";
import { allHold, anyHolds, compileConditions, type RequestFacts } from "./conditions.ts";
import type { PolicyAction, PolicyDocument, PolicyRule, RateLimit } from "./document.ts";
import { parseInstant } from "./instant.ts";
import { type CompiledLimit, compileLimit } from "./rate-limit.ts";
import { addRuleBlock, createRuleAddresses, isNearRules, type RuleAddresses } from "./rule-addresses.ts";
import {
  canMatch,
  createRuleSelections,
  type RuleSelections,
  type SelectableRule,
  selectRules,
} from "./rule-selection.ts";

/**
 * The access decision. Edge workers run it for every request; the origin runs it to tell an operator what
 * the edge would do. It allocates nothing: each rule's verdict is made once, when the policy is compiled.
 *
 * Whom it lets in the limits of `state.policy.passed` are then to be charged for.
 */
export function decide(
  state: AccessState,
  request: AccessRequest,
  trace: DecisionTrace | undefined,
): Verdict {
  const policy = state.policy;
  policy.passedCount = 0;
  const allowed = findBlock(state.allow, request.address, request.nowMs);
  if (trace !== undefined)
    trace.steps.push({ step: "allow-list", id: idOf(state.allow, allowed), matched: allowed !== NONE });
  if (allowed !== NONE) return ALLOW_LISTED;

  const denied = findBlock(state.deny, request.address, request.nowMs);
  if (trace !== undefined)
    trace.steps.push({ step: "deny-list", id: idOf(state.deny, denied), matched: denied !== NONE });
  if (denied !== NONE) return DENY_LISTED;

  if (trace !== undefined) return decideInSteps(policy, request, trace);
  const selection = selectRules(policy.selections, request.country, request.method, request.path);
  const near = isNearRules(policy.addresses, request.address);
  const decided = decideByRules(policy, near ? selection.rules : selection.fromElsewhere, request, near);
  return decided === undefined ? policy.default : decided;
}

/**
 * Three at a time without a loop: LuaJIT compiles no decision as a whole in which a loop runs, and seldom are more
 * left. The rest, if any, takes the loop.
 *
 * @hot
 */
function decideByRules(
  policy: CompiledPolicy,
  rules: readonly CompiledRule[],
  request: AccessRequest,
  near: boolean,
): Verdict | undefined {
  const count = rules.length;
  if (count === 0) return undefined;
  let decided = decideByRule(policy, rules[0] as CompiledRule, request, near);
  if (decided !== undefined || count === 1) return decided;
  decided = decideByRule(policy, rules[1] as CompiledRule, request, near);
  if (decided !== undefined || count === 2) return decided;
  decided = decideByRule(policy, rules[2] as CompiledRule, request, near);
  if (decided !== undefined || count === 3) return decided;
  return decideByRest(policy, rules, request, near);
}

function decideByRest(
  policy: CompiledPolicy,
  rules: readonly CompiledRule[],
  request: AccessRequest,
  near: boolean,
): Verdict | undefined {
  for (let i = 3; i < rules.length; i++) {
    const decided = decideByRule(policy, rules[i] as CompiledRule, request, near);
    if (decided !== undefined) return decided;
  }
  return undefined;
}

/** @hot */
function decideByRule(
  policy: CompiledPolicy,
  rule: CompiledRule,
  request: AccessRequest,
  near: boolean,
): Verdict | undefined {
  return matches(rule, request, near) ? applyRule(policy, rule) : undefined;
}

/**
 * What a rule that matches comes to: the verdict, or undefined when the rules behind it decide.
 *
 * @hot
 */
function applyRule(policy: CompiledPolicy, rule: CompiledRule): Verdict | undefined {
  if (rule.limit !== undefined) {
    policy.passed[policy.passedCount] = rule;
    policy.passedCount += 1;
    return undefined;
  }
  if (rule.enforced) return rule.verdict;
  rule.observed += 1;
  return undefined;
}

/** Who wants to know why sees the rules that don't apply, too. */
function decideInSteps(policy: CompiledPolicy, request: AccessRequest, trace: DecisionTrace): Verdict {
  const { country, method, path } = request;
  for (const rule of policy.rules) {
    const matched = canMatch(rule, country, method, path) && matches(rule, request, true);
    trace.steps.push({ step: stepOf(rule), id: rule.verdict.rule, matched });
    if (matched) {
      const decided = applyRule(policy, rule);
      if (decided !== undefined) return decided;
    }
  }
  trace.steps.push({ step: "default", id: "", matched: true });
  return policy.default;
}

/** What the decision is made from: both lists and the compiled policy. */
export interface AccessState {
  allow: AddressTable;
  deny: AddressTable;
  policy: CompiledPolicy;
}

export interface AccessRequest extends RequestFacts {
  /** ISO 3166-1 alpha-2, `ZZ` when unknown. */
  country: string;
  nowMs: number;
}

export interface Verdict {
  action: PolicyAction;
  /** HTTP status of a denial; 0 when allowed. */
  status: number;
  /** `limit`: a rule's limit was used up. */
  reason: "allow-list" | "deny-list" | "rule" | "default" | "limit";
  /** The rule's id when it was a rule, else empty. */
  rule: string;
}

/** Filled step by step when somebody wants to know why. */
export interface DecisionTrace {
  steps: DecisionStep[];
}

export interface DecisionStep {
  step: "allow-list" | "deny-list" | "rule" | "observed-rule" | "limit" | "observed-limit" | "default";
  /** Id of the rule or list entry; empty when there is none. */
  id: string;
  matched: boolean;
}

export interface CompiledPolicy {
  rules: CompiledRule[];
  /** Those that a kind of request can match, made when the first of the kind comes. */
  selections: RuleSelections<CompiledRule>;
  /** Of all blocks that rules name. */
  addresses: RuleAddresses;
  default: Verdict;
  /**
   * The first `passedCount` are the limit rules that matched the request that was decided last. Overwritten by the
   * next decision: read at once.
   */
  passed: CompiledRule[];
  passedCount: number;
  /** Some rule asks for the host; when none does, a request's may be left empty. */
  usesHost: boolean;
  /** The same of the ASN. */
  usesAsn: boolean;
}

export interface CompiledRule extends SelectableRule {
  enforced: boolean;
  /** Unix time in milliseconds from which the rule is void; 0 for never. */
  endsAtMs: number;
  /** Of a limit rule, what is said when it is used up. */
  verdict: Verdict;
  limit: CompiledLimit | undefined;
  /** How often the rule would have decided, in mode `observe`, since it was compiled. */
  observed: number;
}

/**
 * Takes a valid document (see `validate.ts`); of others some raise an error. A thousand rules with blocks take tenths of
 * a second: `afterEachRule` may let others run meanwhile.
 */
export function compilePolicy(
  document: PolicyDocument,
  afterEachRule?: (this: void) => void,
): CompiledPolicy {
  const rules: CompiledRule[] = [];
  const addresses = createRuleAddresses();
  let usesHost = false;
  let usesAsn = false;
  for (const rule of document.rules) {
    const compiled = compileRule(rule);
    noteBlocks(addresses, rule.match.cidr);
    if (rule.match.not !== undefined) noteBlocks(addresses, rule.match.not.cidr);
    if (compiled.where.hosts !== undefined) usesHost = true;
    if (compiled.where.asns !== undefined) usesAsn = true;
    if (compiled.whereNot !== undefined && compiled.whereNot.hosts !== undefined) usesHost = true;
    if (compiled.whereNot !== undefined && compiled.whereNot.asns !== undefined) usesAsn = true;
    rules.push(compiled);
    if (afterEachRule !== undefined) afterEachRule();
  }
  const fallback = document.default === "allow" ? DEFAULT_ALLOW : DEFAULT_DENY;
  const selections = createRuleSelections(rules);
  return { rules, selections, addresses, default: fallback, passed: [], passedCount: 0, usesHost, usesAsn };
}

function noteBlocks(addresses: RuleAddresses, blocks: string[] | undefined): void {
  if (blocks === undefined) return;
  for (const block of blocks) addRuleBlock(addresses, parseCidr(block) as Cidr);
}

function compileRule(rule: PolicyRule): CompiledRule {
  // Adding makes Lua raise an error for what is no instant, here and not at the first request.
  const endsAtMs = rule.endsAt === undefined ? 0 : (parseInstant(rule.endsAt) as number) + 0;
  return {
    enforced: rule.mode === "enforce",
    where: compileConditions(rule.match),
    whereNot: rule.match.not === undefined ? undefined : compileConditions(rule.match.not),
    endsAtMs,
    verdict: verdictOf(rule),
    limit: rule.action === "limit" ? compileLimit(rule.limit as RateLimit, rule.id) : undefined,
    observed: 0,
  };
}

function verdictOf({ id, action, status }: PolicyRule): Verdict {
  if (action === "limit") return { action: "deny", status: 429, reason: "limit", rule: id };
  if (action === "allow") return { action, status: 0, reason: "rule", rule: id };
  return { action, status: status === undefined ? 403 : status, reason: "rule", rule: id };
}

const ALLOW_LISTED: Verdict = { action: "allow", status: 0, reason: "allow-list", rule: "" };
const DENY_LISTED: Verdict = { action: "deny", status: 403, reason: "deny-list", rule: "" };
const DEFAULT_ALLOW: Verdict = { action: "allow", status: 0, reason: "default", rule: "" };
const DEFAULT_DENY: Verdict = { action: "deny", status: 403, reason: "default", rule: "" };

/** But for country, path and method, see `canMatch`. */
function matches(rule: CompiledRule, request: AccessRequest, near: boolean): boolean {
  if (rule.endsAtMs !== 0 && request.nowMs >= rule.endsAtMs) return false;
  if (!allHold(rule.where, request, near)) return false;
  return rule.whereNot === undefined || !anyHolds(rule.whereNot, request, near);
}

function stepOf(rule: CompiledRule): DecisionStep["step"] {
  if (rule.limit !== undefined) return rule.enforced ? "limit" : "observed-limit";
  return rule.enforced ? "rule" : "observed-rule";
}

function idOf(addresses: AddressTable, handle: number): string {
  return handle === NONE ? "" : `${idAt(addresses, handle)}`;
}
