import type { ProblemKind } from "@sluice/contract/error-codes.ts";
import { EDGE_FAILED, ORIGIN_TIMEOUT, ORIGIN_UNAVAILABLE } from "@sluice/contract/error-codes.ts";
import { nowMs } from "../platform/clock.ts";
import { noteCache, requestId } from "../platform/request.ts";
import { answerJson, answerProblem, answerProblemText } from "../platform/response.ts";
import { askOrigin } from "../platform/subrequest.ts";

/** An answer that many requests may get. */
export interface Page {
  status: number;
  body: string;
  /** Of a problem document: what follows the request id, which is each request's own. */
  bodyAfterId: string | undefined;
  loadedAtMs: number;
}

/** What a fill ended with: a page, or the reason why the origin has none for us. */
export interface Filled {
  page: Page | undefined;
  problem: ProblemKind | undefined;
  /** Redis had it. */
  fromRedis: boolean;
}

/** Without the change stream a page is believed for so long, and then only if the origin can't be asked. */
const UNFOLLOWED_TTL_MS = 2_000;

export function isFresh(page: Page, live: boolean): boolean {
  return live || nowMs() - page.loadedAtMs < UNFOLLOWED_TTL_MS;
}

export function okPage(body: string): Page {
  return { status: 200, body, bodyAfterId: undefined, loadedAtMs: nowMs() };
}

/** Asks the origin. Its own problem documents are answers like others. */
export function fillFromOrigin(path: string, query: string | undefined): Filled {
  const answer = askOrigin(path, query);
  if (answer.status === 200) return { page: okPage(answer.body), problem: undefined, fromRedis: false };
  if (answer.isProblem) {
    return { page: problemPage(answer.status, answer.body), problem: undefined, fromRedis: false };
  }
  return { page: undefined, problem: problemOf(answer.status), fromRedis: false };
}

/** Answers from this worker's memory. */
export function answerHeld(page: Page): void {
  noteCache("hit-worker");
  answerPage(page);
}

/** Answers with what was filled. A failure gives way to the page that is held, however old. */
export function answerFilled(filled: Filled, held: Page | undefined): void {
  const page = filled.page;
  if ((page === undefined || page.status >= 500) && held !== undefined) {
    answerHeld(held);
    return;
  }
  noteCache(filled.fromRedis ? "hit-redis" : "miss");
  if (page !== undefined) answerPage(page);
  else answerProblem(filled.problem === undefined ? EDGE_FAILED : filled.problem);
}

function answerPage(page: Page): void {
  if (page.status === 200) {
    answerJson(200, page.body);
    return;
  }
  const body = page.bodyAfterId === undefined ? page.body : page.body + requestId() + page.bodyAfterId;
  answerProblemText(page.status, body);
}

/** The origin repeats the request id that we gave it: the document is cut there, so that others can have it. */
function problemPage(status: number, body: string): Page {
  const id = requestId();
  const at = body.indexOf(id);
  if (at === -1) return { status, body, bodyAfterId: undefined, loadedAtMs: nowMs() };
  return {
    status,
    body: body.substring(0, at),
    bodyAfterId: body.substring(at + id.length),
    loadedAtMs: nowMs(),
  };
}

function problemOf(status: number): ProblemKind {
  if (status === 504) return ORIGIN_TIMEOUT;
  return status >= 500 ? ORIGIN_UNAVAILABLE : EDGE_FAILED;
}
