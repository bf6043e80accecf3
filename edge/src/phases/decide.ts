import type { Verdict } from "@sluice/contract/policy/decide.ts";
import { hasNoProduct, heldLikes } from "../cache/likes.ts";
import { heldVerdict, type Page } from "../cache/page.ts";
import { heldProductList } from "../cache/product-lists.ts";
import { heldProduct, isNoProduct } from "../cache/products.ts";
import { awaitsUser, chargeRequest, chargeUser } from "../limits/charge-request.ts";
import {
  isWrittenSo,
  noteCountry,
  noteUser,
  noteVerdict,
  requestMethod,
  requestPath,
} from "../platform/request.ts";
import { inspectHeaders } from "../platform/request-headers.ts";
import {
  accessLoaded,
  decideAccess,
  lastAddress,
  lastCountry,
  lastNowMs,
  lastPolicy,
} from "../policies/access.ts";
import { gateRefusal } from "../sales/gate.ts";
import type { RouteSettings } from "../settings.ts";
import { amendCount, countDecision } from "../telemetry/decision-counts.ts";
import { amendSample, sampleDecision } from "../telemetry/decision-sample.ts";
import { isKnownToLive } from "../token/sessions.ts";
import { type VerifiedToken, verifyAuthorization } from "../token/verify.ts";
import {
  DENIALS_BY_STATUS,
  DENIED,
  DENIED_BY_LIST,
  NO_PRODUCT,
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

/** Limits by route count under it what is no route. */
const NO_ROUTE = 0;

/** What was counted last. @perWorker */
let counted: Verdict | undefined;

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
  const refusal = admit(method, path, route);
  if (refusal !== undefined) return refusal.verdict;
  const access = route.methods[method];
  if (access === undefined) return WRONG_METHOD.verdict;
  // Answered from here: no field of the request travels on.
  if (route.cache !== undefined) return fromMemory(route.cache, path);
  if (route.gate !== undefined) {
    const closed = gateRefusal(route.gate, path, lastCountry());
    if (closed !== undefined) return closed.verdict;
  }
  const headers = inspectHeaders(access === "user");
  if (headers.tooMany) return TOO_MANY_FIELDS.verdict;
  if (access === "public") return PASS;
  const [token, problem] = verifyAuthorization(headers, lastAddress(), lastNowMs());
  if (token === undefined) return (problem as NonNullable<typeof problem>).code;
  noteUser(token.userId);
  const limited = limitedUser(token);
  if (limited !== undefined) return limited.verdict;
  return isKnownToLive(token.sessionId) ? PASS : WAIT;
}

/** @hot */
function fromMemory(cache: NonNullable<RouteSettings["cache"]>, path: string): VerdictWord {
  const held = heldFor(cache, path, lastNowMs());
  if (held !== undefined) return heldVerdict(held);
  return isOfNoProduct(cache, path, lastNowMs()) ? NO_PRODUCT.verdict : PASS;
}

function isOfNoProduct(cache: NonNullable<RouteSettings["cache"]>, path: string, atMs: number): boolean {
  if (cache === "product") return isNoProduct(path, atMs);
  return cache === "likes" && hasNoProduct(path, atMs);
}

/** @hot */
function heldFor(cache: NonNullable<RouteSettings["cache"]>, path: string, atMs: number): Page | undefined {
  if (cache === "product") return heldProduct(path, atMs);
  if (cache === "product-list") return heldProductList(atMs);
  return cache === "likes" ? heldLikes(path, atMs) : undefined;
}

/**
 * Whatever is not in the table of routes.
 *
 * @phase set
 * @hot
 */
export function decideUnknown(): VerdictWord {
  const refusal = admit(requestMethod(), requestPath(), undefined);
  return refusal === undefined ? NOT_FOUND.verdict : refusal.verdict;
}

/**
 * Why the access policy does not let the request in; undefined when it does.
 *
 * @hot
 */
function admit(method: string, path: string, route: RouteSettings | undefined): Refusal | undefined {
  if (!accessLoaded()) return NOT_READY;
  const verdict = charged(decideAccess(method, path), route === undefined ? NO_ROUTE : route.number);
  const country = lastCountry();
  countDecision(country, verdict);
  counted = verdict;
  sampleDecision(lastAddress(), country, method, path, route === undefined ? "" : route.pattern, verdict);
  noteCountry(country);
  if (verdict.action === "deny") return denial(verdict);
  if (verdict.reason !== "default") noteVerdict(verdict.reason, verdict.rule);
  return isWrittenSo(path) ? undefined : PATH_NOT_PLAIN;
}

/**
 * What is left of the verdict when the limits that it passed are charged; those by user wait until there is one.
 *
 * @hot
 */
function charged(verdict: Verdict, route: number): Verdict {
  const policy = lastPolicy();
  if (policy.passedCount === 0 || verdict.action === "deny") return verdict;
  const refusal = chargeRequest(policy, lastAddress(), route, lastNowMs());
  return refusal === undefined ? verdict : refusal;
}

/**
 * Charges the limits by user, before anything waits: what was passed is known until the next request is decided. A
 * refusal takes the place of what was counted and sampled of this request.
 *
 * @hot
 */
function limitedUser(token: VerifiedToken): Refusal | undefined {
  const policy = lastPolicy();
  if (policy.passedCount === 0 || !awaitsUser()) return undefined;
  const verdict = chargeUser(policy, token.limitA, token.limitB, lastNowMs());
  if (verdict === undefined) return undefined;
  amendCount(lastCountry(), counted as Verdict, verdict);
  amendSample(verdict);
  return denial(verdict);
}

/** @hot */
function denial(verdict: Verdict): Refusal {
  if (verdict.reason === "deny-list") return DENIED_BY_LIST;
  if (verdict.reason !== "default") noteVerdict(verdict.reason, verdict.rule);
  const refusal = DENIALS_BY_STATUS[verdict.status];
  return refusal === undefined ? DENIED : refusal;
}
