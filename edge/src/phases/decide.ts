import type { Verdict } from "@sluice/contract/policy/decide.ts";
import { nowSeconds } from "../platform/clock.ts";
import {
  clientAddressBytes,
  isWrittenSo,
  noteCountry,
  noteUser,
  noteVerdict,
  requestMethod,
  requestPath,
} from "../platform/request.ts";
import { inspectHeaders } from "../platform/request-headers.ts";
import { accessLoaded, decideAccess, lastCountry } from "../policies/access.ts";
import type { RouteSettings } from "../settings.ts";
import { countDecision } from "../telemetry/decision-counts.ts";
import { sampleDecision } from "../telemetry/decision-sample.ts";
import { isKnownToLive } from "../token/sessions.ts";
import { AUTHORIZATION_LENGTH_MAX, verifyAuthorization } from "../token/verify.ts";
import {
  DENIALS_BY_STATUS,
  DENIED,
  DENIED_BY_LIST,
  NOT_FOUND,
  NOT_READY,
  PASS,
  PATH_NOT_PLAIN,
  type Refusal,
  TOO_MANY_FIELDS,
  type VerdictWord,
  WAIT,
  WRONG_METHOD,
} from "./verdicts.ts";

/**
 * Who may pass, in nginx's set phase, as one word (verdicts.ts): no coroutine is made for it, which was what the
 * checks cost most (docs/decisions/0008). The client address is nginx's business (`realip`) and settled by now; then
 * the access policy, the route, and on routes that need one the token and its session. What must be waited for is
 * left to the access phase. An error in here is a 500: nothing passes unless this function says so.
 *
 * @phase set
 * @hot
 */
export function decideRoute(route: RouteSettings): VerdictWord {
  const method = requestMethod();
  const path = route.path === undefined ? requestPath() : route.path;
  const refusal = admit(method, path);
  if (refusal !== undefined) return refusal.verdict;
  const access = route.methods[method];
  if (access === undefined) return WRONG_METHOD.verdict;
  // Answered from here: no field of the request travels on.
  if (route.cached) return PASS;
  const headers = inspectHeaders(AUTHORIZATION_LENGTH_MAX);
  if (headers.tooMany) return TOO_MANY_FIELDS.verdict;
  if (access === "public") return PASS;
  const [token, problem] = verifyAuthorization(headers, nowSeconds());
  if (token === undefined) return (problem as NonNullable<typeof problem>).code;
  noteUser(token.userId);
  return isKnownToLive(token.sessionId) ? PASS : WAIT;
}

/**
 * Whatever is not in the table of routes.
 *
 * @phase set
 * @hot
 */
export function decideUnknown(): VerdictWord {
  const refusal = admit(requestMethod(), requestPath());
  return refusal === undefined ? NOT_FOUND.verdict : refusal.verdict;
}

/**
 * Why the access policy does not let the request in; undefined when it does.
 *
 * @hot
 */
function admit(method: string, path: string): Refusal | undefined {
  if (!accessLoaded()) return NOT_READY;
  const address = clientAddressBytes();
  const verdict = decideAccess(address, method, path);
  const country = lastCountry();
  countDecision(country, verdict);
  sampleDecision(address, country, method, path, verdict);
  noteCountry(country);
  if (verdict.action === "deny") return denial(verdict);
  if (verdict.reason !== "default") noteVerdict(verdict.reason, verdict.rule);
  return isWrittenSo(path) ? undefined : PATH_NOT_PLAIN;
}

/** @hot */
function denial(verdict: Verdict): Refusal {
  if (verdict.reason === "deny-list") return DENIED_BY_LIST;
  if (verdict.reason !== "default") noteVerdict(verdict.reason, verdict.rule);
  const refusal = DENIALS_BY_STATUS[verdict.status];
  return refusal === undefined ? DENIED : refusal;
}
