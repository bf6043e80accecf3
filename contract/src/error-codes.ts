/**
 * The errors that the edge answers by itself, as RFC 9457 problem details. The origin answers the token
 * errors in the same words when it verifies again. The contexts of the origin add catalogues of their own.
 */

export interface ProblemKind {
  code: string;
  status: number;
  title: string;
}

export const ACCESS_DENIED: ProblemKind = {
  code: "access.denied",
  status: 403,
  title: "Access from this address is not allowed",
};
export const RATE_LIMITED: ProblemKind = {
  code: "rate.limited",
  status: 429,
  title: "Too many requests: see Retry-After",
};
export const TOKEN_MISSING: ProblemKind = {
  code: "token.missing",
  status: 401,
  title: "This route needs an access token",
};
export const TOKEN_MALFORMED: ProblemKind = {
  code: "token.malformed",
  status: 401,
  title: "The access token is not a well-formed token of this service",
};
export const TOKEN_INVALID: ProblemKind = {
  code: "token.invalid",
  status: 401,
  title: "The access token was not issued by this service",
};
export const TOKEN_EXPIRED: ProblemKind = {
  code: "token.expired",
  status: 401,
  title: "The access token has expired",
};
export const TOKEN_FLOOD: ProblemKind = {
  code: "token.flood",
  status: 429,
  title: "Too many tokens from this address were not ours",
};
export const CROSS_SITE: ProblemKind = {
  code: "auth.cross_site",
  status: 403,
  title: "A request with cookies must come from a page of this site",
};
export const SESSION_REVOKED: ProblemKind = {
  code: "session.revoked",
  status: 401,
  title: "The session of this token has ended",
};
export const SESSION_UNKNOWABLE: ProblemKind = {
  code: "session.unavailable",
  status: 503,
  title: "Sessions cannot be checked at the moment",
};
export const ROUTE_NOT_FOUND: ProblemKind = {
  code: "route.not_found",
  status: 404,
  title: "There is nothing at this address",
};
export const PRODUCT_NOT_FOUND: ProblemKind = {
  code: "product.not_found",
  status: 404,
  title: "There is no such product",
};
export const METHOD_NOT_ALLOWED: ProblemKind = {
  code: "method.not_allowed",
  status: 405,
  title: "This route does not know that method",
};
export const REQUEST_MALFORMED: ProblemKind = {
  code: "request.malformed",
  status: 400,
  title: "The request could not be read",
};
export const REQUEST_TOO_LARGE: ProblemKind = {
  code: "request.too_large",
  status: 413,
  title: "The request is larger than this service accepts",
};
export const EDGE_NOT_READY: ProblemKind = {
  code: "edge.not_ready",
  status: 503,
  title: "The edge has not loaded its policy, keys and geo data yet",
};
export const EDGE_FAILED: ProblemKind = {
  code: "edge.failed",
  status: 500,
  title: "The edge failed to handle the request",
};
export const ORIGIN_UNAVAILABLE: ProblemKind = {
  code: "origin.unavailable",
  status: 503,
  title: "The service is not reachable at the moment",
};
export const ORIGIN_TIMEOUT: ProblemKind = {
  code: "origin.timeout",
  status: 504,
  title: "The service did not answer in time",
};

export const SALE_NOT_FOUND: ProblemKind = {
  code: "sale.not_found",
  status: 404,
  title: "There is no such sale",
};
export const SALE_NOT_STARTED: ProblemKind = {
  code: "sale.not_started",
  status: 409,
  title: "The sale has not started: see Retry-After",
};
export const SALE_ENDED: ProblemKind = {
  code: "sale.ended",
  status: 410,
  title: "The sale has ended",
};
export const SALE_PAUSED: ProblemKind = {
  code: "sale.paused",
  status: 409,
  title: "The sale is paused: see Retry-After",
};
export const SALE_SOLD_OUT: ProblemKind = {
  code: "sale.sold_out",
  status: 409,
  title: "The sale is sold out; what is not paid in time comes back",
};
export const SALE_COUNTRY: ProblemKind = {
  code: "sale.country_refused",
  status: 403,
  title: "The sale is not for buyers from this country",
};
export const SALE_CROWDED: ProblemKind = {
  code: "sale.crowded",
  status: 429,
  title: "More buyers come in than are let in just now: see Retry-After",
};
export const SALE_NOT_DRAWN: ProblemKind = {
  code: "sale.not_drawn",
  status: 429,
  title: "Your lot was not drawn this time: see Retry-After",
};
export const SALE_LIMIT: ProblemKind = {
  code: "sale.limit",
  status: 409,
  title: "You have as many pieces of this sale as one may have",
};
export const SALE_IN_FLIGHT: ProblemKind = {
  code: "sale.in_flight",
  status: 409,
  title: "Another purchase of yours is on its way",
};
export const SALE_UNAVAILABLE: ProblemKind = {
  code: "sale.unavailable",
  status: 503,
  title: "Nobody can be let in at the moment: try again with the same challenge",
};
export const SALE_TICKET_UNKNOWN: ProblemKind = {
  code: "sale.ticket_unknown",
  status: 404,
  title: "You have no such ticket",
};
export const CHALLENGE_INVALID: ProblemKind = {
  code: "sale.challenge_invalid",
  status: 403,
  title: "The challenge was not handed out to you for this sale",
};
export const CHALLENGE_EXPIRED: ProblemKind = {
  code: "sale.challenge_expired",
  status: 403,
  title: "The challenge is too old: ask for another one",
};

/** All of the above, for documentation and tests. */
export const EDGE_PROBLEMS: ProblemKind[] = [
  ACCESS_DENIED,
  RATE_LIMITED,
  TOKEN_MISSING,
  TOKEN_MALFORMED,
  TOKEN_INVALID,
  TOKEN_EXPIRED,
  TOKEN_FLOOD,
  CROSS_SITE,
  SESSION_REVOKED,
  SESSION_UNKNOWABLE,
  ROUTE_NOT_FOUND,
  PRODUCT_NOT_FOUND,
  METHOD_NOT_ALLOWED,
  REQUEST_MALFORMED,
  REQUEST_TOO_LARGE,
  EDGE_NOT_READY,
  EDGE_FAILED,
  ORIGIN_UNAVAILABLE,
  ORIGIN_TIMEOUT,
  SALE_NOT_FOUND,
  SALE_NOT_STARTED,
  SALE_ENDED,
  SALE_PAUSED,
  SALE_SOLD_OUT,
  SALE_COUNTRY,
  SALE_CROWDED,
  SALE_NOT_DRAWN,
  SALE_LIMIT,
  SALE_IN_FLIGHT,
  SALE_UNAVAILABLE,
  SALE_TICKET_UNKNOWN,
  CHALLENGE_INVALID,
  CHALLENGE_EXPIRED,
];

/** The `type` of a problem with that code: a URI reference into the error documentation. */
export function problemType(code: string): string {
  return `/errors#${code}`;
}
