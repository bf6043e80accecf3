import {
  ACCESS_DENIED,
  EDGE_NOT_READY,
  METHOD_NOT_ALLOWED,
  PRODUCT_NOT_FOUND,
  type ProblemKind,
  RATE_LIMITED,
  REQUEST_MALFORMED,
  REQUEST_TOO_LARGE,
  ROUTE_NOT_FOUND,
  SESSION_UNKNOWABLE,
  TOKEN_EXPIRED,
  TOKEN_FLOOD,
  TOKEN_INVALID,
  TOKEN_MALFORMED,
  TOKEN_MISSING,
} from "@sluice/contract/error-codes.ts";

/**
 * What the set phase says about a request, in one word. nginx.conf has a condition for each (`edge/route-location.ts`)
 * and answers 500 to any other: only `PASS` and `WAIT` lead to the handler of the route.
 */
export type VerdictWord = string;

/** Everything was decided: the route's handler answers. */
export const PASS: VerdictWord = "pass";
/** All is well but for what must be waited for: the access phase decides. */
export const WAIT: VerdictWord = "wait";

/** Of cached routes: the page is in this worker's memory, and in the variable `sluice_page`. */
export const HELD: VerdictWord = "held";
/** The same, and the client has it already. */
export const NOT_MODIFIED: VerdictWord = "not-modified";

/** A refusal that nginx answers by itself, without asking Lua again. */
export interface Refusal {
  verdict: VerdictWord;
  kind: ProblemKind;
  status: number;
  detail?: string;
  /** What the decision log says of the access policy; what is not here Lua notes itself. */
  reason?: "deny-list";
}

/** By the deny list: what most refusals are while somebody attacks, so nothing of it needs to be noted. */
export const DENIED_BY_LIST: Refusal = {
  verdict: "deny-list",
  kind: ACCESS_DENIED,
  status: 403,
  reason: "deny-list",
};
export const DENIED: Refusal = { verdict: "denied", kind: ACCESS_DENIED, status: 403 };
/** For legal reasons. */
export const DENIED_451: Refusal = { verdict: "denied-451", kind: ACCESS_DENIED, status: 451 };
export const LIMITED = always(RATE_LIMITED);
export const NOT_FOUND = always(ROUTE_NOT_FOUND);
export const NO_PRODUCT = always(PRODUCT_NOT_FOUND);
export const NOT_READY = always(EDGE_NOT_READY);
export const WRONG_METHOD = always(METHOD_NOT_ALLOWED);
export const PATH_NOT_PLAIN: Refusal = {
  ...always(REQUEST_MALFORMED),
  detail: "The path is not in its plain form",
};
export const TOO_MANY_FIELDS: Refusal = {
  ...always(REQUEST_TOO_LARGE),
  status: 431,
  detail: "Too many header fields",
};

/** A 404 is for rules that want the site to look empty: it must be the one that unknown routes get. */
export const DENIALS_BY_STATUS: Record<number, Refusal | undefined> = {
  403: DENIED,
  404: NOT_FOUND,
  429: LIMITED,
  451: DENIED_451,
};

/** Of the access policy. Words are compared in turn, so what comes in floods stands first, here and below. */
export const POLICY_REFUSALS: readonly Refusal[] = [DENIED_BY_LIST, DENIED, LIMITED, DENIED_451];

/** Of what is no request that could go on. */
export const REQUEST_REFUSALS: readonly Refusal[] = [
  NOT_FOUND,
  WRONG_METHOD,
  PATH_NOT_PLAIN,
  TOO_MANY_FIELDS,
  NOT_READY,
];

/** On every route. */
export const REFUSALS: readonly Refusal[] = [...POLICY_REFUSALS, ...REQUEST_REFUSALS];

/** On routes that need a token; their verdict is the problem's code. */
export const TOKEN_REFUSALS: readonly Refusal[] = [
  always(TOKEN_MALFORMED),
  always(TOKEN_FLOOD),
  always(TOKEN_INVALID),
  always(TOKEN_MISSING),
  always(TOKEN_EXPIRED),
  always(SESSION_UNKNOWABLE),
];

function always(kind: ProblemKind): Refusal {
  return { verdict: kind.code, kind, status: kind.status };
}
