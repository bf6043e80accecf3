import type { ProblemKind } from "@sluice/contract/error-codes.ts";
import { EDGE_FAILED, ORIGIN_TIMEOUT, ORIGIN_UNAVAILABLE } from "@sluice/contract/error-codes.ts";
import { HELD, NOT_MODIFIED, PASS, type VerdictWord } from "../phases/verdicts.ts";
import { nowMs } from "../platform/clock.ts";
import { shortDigest } from "../platform/digest.ts";
import { clientHas, noteCache, noteEntityTag, notePage, requestId } from "../platform/request.ts";
import { answerJson, answerProblem, answerProblemText } from "../platform/response.ts";
import { askOrigin } from "../platform/subrequest.ts";

/** An answer that many requests may get. */
export interface Page {
  status: number;
  body: string;
  /** Of a problem document: what follows the request id, which is each request's own. */
  bodyAfterId: string | undefined;
  /** A strong entity tag (RFC 9110, 8.8.3), the same for the same bytes on every edge; empty for problems. */
  entityTag: string;
  loadedAtMs: number;
  /** Until then it is believed while the change stream is followed, and until then while it is not. */
  followedUntilMs: number;
  unfollowedUntilMs: number;
}

/** What a fill ended with: a page, or the reason why the origin has none for us. */
export interface Filled {
  page: Page | undefined;
  problem: ProblemKind | undefined;
  /** Redis had it. */
  fromRedis: boolean;
  /** The origin marked it as one client's own, so nobody else may have it. */
  isPrivate: boolean;
}

/**
 * The change stream says when a page is another. Should a change ever be lost all the same, it is seen after this
 * time at the latest; give or take a tenth, or pages that were loaded together would all be asked for together.
 */
const FOLLOWED_TTL_MS = 60_000;
/** Without the change stream a page is believed for so long. */
const UNFOLLOWED_TTL_MS = 2_000;
/** When neither Redis nor the origin has an answer, the page that is held is given, up to this age, */
const STALE_MAX_MS = 3_600_000;
/** and they are asked again after this time. */
const STALE_RETRY_MS = 1_000;

/** @hot */
export function isFresh(page: Page, live: boolean, atMs: number): boolean {
  return atMs < (live ? page.followedUntilMs : page.unfollowedUntilMs);
}

/** `loadedAtMs`: it may lack what was committed after that. */
export function okPage(body: string, loadedAtMs: number): Page {
  return pageOf(200, body, undefined, entityTagOf(body), loadedAtMs);
}

/** Asks the origin. Its own problem documents are answers like others. */
export function fillFromOrigin(path: string, query: string | undefined): Filled {
  const askedAtMs = nowMs();
  const answer = askOrigin(path, query);
  const { status, body, isPrivate } = answer;
  if (status === 200) return filledWith(okPage(body, askedAtMs), isPrivate);
  if (answer.isProblem) return filledWith(problemPage(status, body, askedAtMs), isPrivate);
  return { page: undefined, problem: problemOf(status), fromRedis: false, isPrivate: false };
}

export function filledWith(page: Page, isPrivate: boolean): Filled {
  return { page, problem: undefined, fromRedis: false, isPrivate };
}

export function filledFromRedis(body: string, askedAtMs: number): Filled {
  return { page: okPage(body, askedAtMs), problem: undefined, fromRedis: true, isPrivate: false };
}

/** A page that is a problem document, cut where the request id stood. */
export function pageOf(
  status: number,
  body: string,
  bodyAfterId: string | undefined,
  entityTag: string,
  loadedAtMs: number,
): Page {
  return {
    status,
    body,
    bodyAfterId,
    entityTag,
    loadedAtMs,
    followedUntilMs: loadedAtMs + FOLLOWED_TTL_MS * (0.9 + math.random() / 5),
    unfollowedUntilMs: loadedAtMs + UNFOLLOWED_TTL_MS,
  };
}

/** Whether others may have it: the page, or that there is none. */
export function mayBeKept({ page, isPrivate }: Filled): boolean {
  return page !== undefined && !isPrivate && (page.status === 200 || page.status === 404);
}

/**
 * From this worker's memory, in the set phase: nginx answers by itself with what is noted. A problem document holds
 * the request's own id, and is left to the handler.
 *
 * @hot
 */
export function heldVerdict(page: Page): VerdictWord {
  if (page.entityTag === "") return PASS;
  noteEntityTag(page.entityTag);
  if (clientHas(page.entityTag)) return NOT_MODIFIED;
  notePage(page.body);
  return HELD;
}

/** The same by the route's handler. */
export function answerHeld(page: Page): void {
  noteCache("hit-worker");
  answerPage(page);
}

/** Answers with what was filled. A failure gives way to the page that is held. */
export function answerFilled(filled: Filled, held: Page | undefined): void {
  const page = filled.page;
  if ((page === undefined || page.status >= 500) && held !== undefined && standsIn(held)) {
    answerHeld(held);
    return;
  }
  noteCache(filled.fromRedis ? "hit-redis" : "miss");
  if (page !== undefined) answerPage(page);
  else answerProblem(filled.problem === undefined ? EDGE_FAILED : filled.problem);
}

/** Whether it may be given although it should be newer; then nobody tries to better it for a while. */
function standsIn(held: Page): boolean {
  const atMs = nowMs();
  if (atMs - held.loadedAtMs > STALE_MAX_MS) return false;
  held.followedUntilMs = atMs + STALE_RETRY_MS;
  held.unfollowedUntilMs = atMs + STALE_RETRY_MS;
  return true;
}

function answerPage(page: Page): void {
  if (page.status === 200) {
    answerJson(200, page.body, page.entityTag);
    return;
  }
  const body = page.bodyAfterId === undefined ? page.body : page.body + requestId() + page.bodyAfterId;
  answerProblemText(page.status, body);
}

/** Of the bytes, so that every edge, and a later start of this one, give the same. */
function entityTagOf(body: string): string {
  return `"${shortDigest(body)}"`;
}

/** The origin repeats the request id that we gave it: the document is cut there, so that others can have it. */
function problemPage(status: number, body: string, loadedAtMs: number): Page {
  const id = requestId();
  const at = body.indexOf(id);
  if (at === -1) return pageOf(status, body, undefined, "", loadedAtMs);
  return pageOf(status, body.substring(0, at), body.substring(at + id.length), "", loadedAtMs);
}

function problemOf(status: number): ProblemKind {
  if (status === 504) return ORIGIN_TIMEOUT;
  return status >= 500 ? ORIGIN_UNAVAILABLE : EDGE_FAILED;
}
