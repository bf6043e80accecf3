import type { Address } from "./address.ts";
import { type AddressTable, findBlock } from "./address-table.ts";
import type { PolicyAction, PolicyDocument } from "./document.ts";

/**
 * The access decision. Edge workers run it for every request; the origin runs it to tell an operator what
 * the edge would do. It allocates nothing: each rule's verdict is made once, when the policy is compiled.
 */
export function decide(
  state: AccessState,
  request: AccessRequest,
  trace: DecisionTrace | undefined,
): Verdict {
  const allowed = findBlock(state.allow, request.address, request.nowMs);
  if (trace !== undefined)
    trace.steps.push({ step: "allow-list", id: idOf(allowed), matched: allowed !== undefined });
  if (allowed !== undefined) return ALLOW_LISTED;

  const denied = findBlock(state.deny, request.address, request.nowMs);
  if (trace !== undefined)
    trace.steps.push({ step: "deny-list", id: idOf(denied), matched: denied !== undefined });
  if (denied !== undefined) return DENY_LISTED;

  // Who wants to know why sees the rules that don't apply, too.
  const rules = trace === undefined ? rulesFor(state.policy, request.country) : state.policy.rules;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as CompiledRule;
    const matched = matches(rule, request);
    if (trace !== undefined) {
      trace.steps.push({ step: rule.enforced ? "rule" : "observed-rule", id: rule.verdict.rule, matched });
    }
    if (matched) {
      if (rule.enforced) return rule.verdict;
      rule.observed += 1;
    }
  }
  if (trace !== undefined) trace.steps.push({ step: "default", id: "", matched: true });
  return state.policy.default;
}

/** What the decision is made from: both lists and the compiled policy. */
export interface AccessState {
  allow: AddressTable;
  deny: AddressTable;
  policy: CompiledPolicy;
}

export interface AccessRequest {
  address: Address;
  /** ISO 3166-1 alpha-2, `ZZ` when unknown. */
  country: string;
  method: string;
  /** Without the query string. */
  path: string;
  nowMs: number;
}

export interface Verdict {
  action: PolicyAction;
  /** HTTP status of a denial; 0 when allowed. */
  status: number;
  reason: "allow-list" | "deny-list" | "rule" | "default";
  /** The rule's id when it was a rule, else empty. */
  rule: string;
}

/** Filled step by step when somebody wants to know why. */
export interface DecisionTrace {
  steps: DecisionStep[];
}

export interface DecisionStep {
  step: "allow-list" | "deny-list" | "rule" | "observed-rule" | "default";
  /** Id of the rule or list entry; empty when there is none. */
  id: string;
  matched: boolean;
}

export interface CompiledPolicy {
  rules: CompiledRule[];
  /** Made when the first request from that country comes. */
  byCountry: Record<string, CountryRules | undefined>;
  default: Verdict;
}

interface CountryRules {
  /** Tells an entry of ours from what every JavaScript object inherits, `constructor` for one. */
  made: true;
  /** Those that a request from the country can match, in order. */
  rules: CompiledRule[];
}

export interface CompiledRule {
  enforced: boolean;
  /** Undefined: any country. */
  countries: Record<string, boolean | undefined> | undefined;
  methods: Record<string, boolean | undefined> | undefined;
  /** Empty: any path. */
  pathPrefix: string;
  verdict: Verdict;
  /** How often the rule matched in `observe` mode since it was compiled. */
  observed: number;
}

/** Takes a valid document (see `validate.ts`). */
export function compilePolicy(document: PolicyDocument): CompiledPolicy {
  const rules: CompiledRule[] = [];
  for (const rule of document.rules) {
    rules.push({
      enforced: rule.mode === "enforce",
      countries: setOf(rule.match.country),
      methods: methodsOf(rule.match.method),
      pathPrefix: rule.match.pathPrefix === undefined ? "" : rule.match.pathPrefix,
      verdict: {
        action: rule.action,
        status: rule.action === "allow" ? 0 : rule.status === undefined ? 403 : rule.status,
        reason: "rule",
        rule: rule.id,
      },
      observed: 0,
    });
  }
  return { rules, byCountry: {}, default: document.default === "allow" ? DEFAULT_ALLOW : DEFAULT_DENY };
}

const ALLOW_LISTED: Verdict = { action: "allow", status: 0, reason: "allow-list", rule: "" };
const DENY_LISTED: Verdict = { action: "deny", status: 403, reason: "deny-list", rule: "" };
const DEFAULT_ALLOW: Verdict = { action: "allow", status: 0, reason: "default", rule: "" };
const DEFAULT_DENY: Verdict = { action: "deny", status: 403, reason: "default", rule: "" };

/** Mostly none: so a thousand rules about other countries cost a request nothing. */
function rulesFor(policy: CompiledPolicy, country: string): CompiledRule[] {
  const known = policy.byCountry[country];
  if (known !== undefined && known.made === true) return known.rules;
  const rules: CompiledRule[] = [];
  for (const rule of policy.rules) {
    if (rule.countries === undefined || rule.countries[country] === true) rules.push(rule);
  }
  policy.byCountry[country] = { made: true, rules };
  return rules;
}

function matches(rule: CompiledRule, request: AccessRequest): boolean {
  if (rule.countries !== undefined && rule.countries[request.country] !== true) return false;
  if (rule.methods !== undefined && rule.methods[request.method] !== true) return false;
  const prefix = rule.pathPrefix;
  return prefix.length === 0 || request.path.substring(0, prefix.length) === prefix;
}

/** Whoever may not read a page must not learn from `HEAD` what it is like: `GET` stands for both. */
function methodsOf(values: string[] | undefined): Record<string, boolean | undefined> | undefined {
  const methods = setOf(values);
  if (methods !== undefined && methods.GET === true) methods.HEAD = true;
  return methods;
}

function setOf(values: string[] | undefined): Record<string, boolean | undefined> | undefined {
  if (values === undefined) return undefined;
  const set: Record<string, boolean | undefined> = {};
  for (const value of values) set[value] = true;
  return set;
}

function idOf(entry: { id: number } | undefined): string {
  return entry === undefined ? "" : `${entry.id}`;
}
