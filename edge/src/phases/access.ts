import {
  ACCESS_DENIED,
  EDGE_NOT_READY,
  METHOD_NOT_ALLOWED,
  REQUEST_MALFORMED,
  REQUEST_TOO_LARGE,
  ROUTE_NOT_FOUND,
} from "@sluice/contract/error-codes.ts";
import type { Verdict } from "@sluice/contract/policy/decide.ts";
import { nowSeconds } from "../platform/clock.ts";
import {
  clientAddressBytes,
  noteCountry,
  noteUser,
  noteVerdict,
  requestMethod,
  requestPath,
  requestTarget,
} from "../platform/request.ts";
import { inspectHeaders, type SeenHeaders } from "../platform/request-headers.ts";
import { answerProblem, answerProblemWith, setAllow } from "../platform/response.ts";
import { accessLoaded, decideAccess, lastCountry } from "../policies/access.ts";
import type { RouteSettings } from "../settings.ts";
import { countDecision } from "../telemetry/decision-counts.ts";
import { sampleDecision } from "../telemetry/decision-sample.ts";
import { sessionProblem } from "../token/sessions.ts";
import { AUTHORIZATION_LENGTH_MAX, verifyAuthorization } from "../token/verify.ts";

/**
 * Who may pass. The client address is nginx's business (`realip`) and settled by now; then the access policy,
 * the route, and on routes that need one the token and its session. An error in here is a 500: nothing passes
 * unless this function returns.
 *
 * @phase access
 * @hot
 */
export function enterRoute(route: RouteSettings): void {
  const method = requestMethod();
  const path = route.path === undefined ? requestPath() : route.path;
  if (!admit(method, path)) return;
  const access = route.methods[method];
  if (access === undefined) {
    setAllow(route.allow);
    answerProblem(METHOD_NOT_ALLOWED);
    return;
  }
  // Answered from here: no field of the request travels on.
  if (route.cached) return;
  const headers = inspectHeaders(AUTHORIZATION_LENGTH_MAX);
  if (headers.tooMany) {
    answerProblemWith(REQUEST_TOO_LARGE, 431, "Too many header fields");
    return;
  }
  if (access === "user") identify(headers);
}

/**
 * Whatever is not in the table of routes.
 *
 * @phase access
 */
export function enterUnknown(): void {
  if (admit(requestMethod(), requestPath())) {
    answerProblem(ROUTE_NOT_FOUND);
    return;
  }
}

/**
 * Whether the access policy lets the request in; if not, it was answered.
 *
 * @hot
 */
function admit(method: string, path: string): boolean {
  if (!accessLoaded()) {
    answerProblem(EDGE_NOT_READY);
    return false;
  }
  const address = clientAddressBytes();
  const verdict = decideAccess(address, method, path);
  countDecision(lastCountry(), verdict);
  sampleDecision(address, lastCountry(), method, path, verdict);
  noteCountry(lastCountry());
  if (verdict.reason !== "default") noteVerdict(verdict.reason, verdict.rule);
  if (verdict.action === "deny") {
    deny(verdict);
    return false;
  }
  if (isCanonical(requestTarget(), path)) return true;
  answerProblemWith(REQUEST_MALFORMED, 400, "The path is not in its plain form");
  return false;
}

/** A 404 is for rules that want the site to look empty: it must be the one that unknown routes get. */
function deny(verdict: Verdict): void {
  if (verdict.status === 404) {
    answerProblem(ROUTE_NOT_FOUND);
    return;
  }
  answerProblemWith(ACCESS_DENIED, verdict.status, undefined);
}

/**
 * Decided is by the path that nginx decoded and normalized, passed on is the one that the client wrote: they must
 * be the same, or edge and origin could see different resources in one request.
 *
 * @hot
 */
function isCanonical(target: string, path: string): boolean {
  if (target === path) return true;
  return target.substring(0, path.length + 1) === `${path}?`;
}

/** @hot */
function identify(headers: SeenHeaders): void {
  const [token, problem] = verifyAuthorization(headers, nowSeconds());
  if (token === undefined) {
    answerProblem(problem as NonNullable<typeof problem>);
    return;
  }
  noteUser(token.userId);
  const refusal = sessionProblem(token.sessionId);
  if (refusal !== undefined) {
    answerProblem(refusal);
    return;
  }
}
