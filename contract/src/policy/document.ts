/**
 * The access policy as operators write it. Order of decision: allow list, deny list, `rules` in their order
 * (the first enforced rule that matches and allows or denies decides), `default`. Of a request that is let in, the
 * `limit` rules that matched on the way there are charged, in their order; the first that is used up refuses it.
 */
export interface PolicyDocument {
  rules: PolicyRule[];
  /** For requests that no rule decides. */
  default: PolicyAction;
}

export type PolicyAction = "allow" | "deny";
export type RuleAction = PolicyAction | "limit";

export interface PolicyRule {
  /** Unique within the document; `[a-z0-9][a-z0-9-]{0,63}`. */
  id: string;
  match: RuleMatch;
  action: RuleAction;
  /** `observe`: counted and reported, never decides. */
  mode: "enforce" | "observe";
  /** Of a `limit` rule, and of no other. */
  limit?: RateLimit;
  /** HTTP status of a denial. 403 unless set. */
  status?: 403 | 404 | 451;
  /** From then on the rule matches nothing. UTC: `2026-12-31T23:59:59Z`. */
  endsAt?: string;
  note?: string;
}

/** So many requests in so many seconds, as a steady rate; `burst` of them may come at once. */
export interface RateLimit {
  /**
   * Whose requests are counted together: those of an address (of IPv6, of a /64), of a user (on routes that need a
   * token), or all requests for one route of the edge.
   */
  key: "address" | "user" | "route";
  requests: number;
  seconds: number;
  /** As `requests` unless given. */
  burst?: number;
}

/** Of each condition one value must hold. */
export interface Conditions {
  /** ISO 3166-1 alpha-2, upper case; `ZZ` is an address that the geo data doesn't know. */
  country?: string[];
  /** `AF AN AS EU NA OC SA`, and `ZZ` for an unknown country. */
  continent?: string[];
  /** Numbers of autonomous systems, the networks that announce an address; 0 is one that the geo data doesn't know. */
  asn?: number[];
  /** Addresses and blocks, IPv4 and IPv6. */
  cidr?: string[];
  /** Lower case, without port; `*.example.com` is every name below `example.com`, and not that name itself. */
  host?: string[];
  /** Upper case. `GET` covers `HEAD` too; `HEAD` covers itself only. */
  method?: string[];
  /** The path begins so; no query string. */
  pathPrefix?: string;
  /** Patterns of whole paths, see `path-pattern.ts`. */
  path?: string[];
}

/** All conditions that are given must hold, and none of those under `not`; `{}` matches every request. */
export interface RuleMatch extends Conditions {
  not?: Conditions;
}

/** What the geo data doesn't know. */
export const COUNTRY_UNKNOWN = "ZZ";
/** Reserved for no network (RFC 7607). */
export const ASN_UNKNOWN = 0;

export const RULES_MAX = 1_000;
/** A request pays for each that it matches. */
export const LIMIT_RULES_MAX = 50;
export const LIMIT_REQUESTS_MAX = 1_000_000;
export const LIMIT_SECONDS_MAX = 86_400;
/** The longest that a used-up burst may take to come back. */
export const LIMIT_REFILL_SECONDS_MAX = 7 * 86_400;
export const COUNTRIES_PER_RULE_MAX = 250;
export const ASNS_PER_RULE_MAX = 1_000;
export const ASN_MAX = 4_294_967_295;
export const BLOCKS_PER_RULE_MAX = 1_000;
export const HOSTS_PER_RULE_MAX = 100;
/** RFC 1035, 2.3.4. */
export const HOST_LENGTH_MAX = 253;
export const NOTE_LENGTH_MAX = 500;
export const PATH_PREFIX_LENGTH_MAX = 200;
export const PATHS_PER_RULE_MAX = 100;

/** What stands before an operator has published anything. */
export const POLICY_INITIAL: PolicyDocument = { rules: [], default: "allow" };
