/**
 * The access policy as operators write it. Order of decision: allow list, deny list, `rules` in their order
 * (the first enforced rule that matches decides), `default`.
 */
export interface PolicyDocument {
  rules: PolicyRule[];
  /** For requests that no rule decides. */
  default: PolicyAction;
}

export type PolicyAction = "allow" | "deny";

export interface PolicyRule {
  /** Unique within the document; `[a-z0-9][a-z0-9-]{0,63}`. */
  id: string;
  match: RuleMatch;
  action: PolicyAction;
  /** `observe`: counted and reported, never decides. */
  mode: "enforce" | "observe";
  /** HTTP status of a denial. 403 unless set. */
  status?: 403 | 404 | 451;
  /** From then on the rule matches nothing. UTC: `2026-12-31T23:59:59Z`. */
  endsAt?: string;
  note?: string;
}

/** Of each condition one value must hold. */
export interface Conditions {
  /** ISO 3166-1 alpha-2, upper case; `ZZ` is an address that the geo data doesn't know. */
  country?: string[];
  /** `AF AN AS EU NA OC SA`, and `ZZ` for an unknown country. */
  continent?: string[];
  /** Addresses and blocks, IPv4 and IPv6. */
  cidr?: string[];
  /** Lower case, without port; `*.example.com` is every name below `example.com`, and not that name itself. */
  host?: string[];
  /** Upper case. `GET` covers `HEAD` too; `HEAD` covers itself only. */
  method?: string[];
  /** The path begins so; no query string. */
  pathPrefix?: string;
}

/** All conditions that are given must hold, and none of those under `not`; `{}` matches every request. */
export interface RuleMatch extends Conditions {
  not?: Conditions;
}

/** What the geo data doesn't know. */
export const COUNTRY_UNKNOWN = "ZZ";

export const RULES_MAX = 1_000;
export const COUNTRIES_PER_RULE_MAX = 250;
export const BLOCKS_PER_RULE_MAX = 1_000;
export const HOSTS_PER_RULE_MAX = 100;
/** RFC 1035, 2.3.4. */
export const HOST_LENGTH_MAX = 253;
export const NOTE_LENGTH_MAX = 500;
export const PATH_PREFIX_LENGTH_MAX = 200;

/** What stands before an operator has published anything. */
export const POLICY_INITIAL: PolicyDocument = { rules: [], default: "allow" };
