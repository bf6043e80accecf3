import type { ProblemKind } from "@sluice/contract/error-codes.ts";
import {
  bearerChallenge,
  JSON_MEDIA_TYPE,
  PROBLEM_MEDIA_TYPE,
  problemDocument,
  UNAVAILABLE_RETRY_AFTER_SECONDS,
} from "@sluice/contract/problem-document.ts";
import type { PageSettings } from "../settings.ts";
import { noteProblem, requestId } from "./request.ts";

/**
 * A JSON answer; `HEAD` gets its headers only. nginx compares the entity tag, where there is one, with what the client
 * has, and makes it a 304.
 */
export function answerJson(status: number, body: string, entityTag = ""): void {
  if (entityTag !== "") ngx.header.ETag = entityTag;
  send(status, JSON_MEDIA_TYPE, body);
}

export function answerProblemText(status: number, body: string): void {
  send(status, PROBLEM_MEDIA_TYPE, body);
}

/** Answers with an error of the catalogue and ends the request. */
export function answerProblem(kind: ProblemKind): void {
  answerProblemWith(kind, kind.status, undefined);
}

/** The same, with the time after which the client may come again. */
export function answerProblemUntil(kind: ProblemKind, retryAfterSeconds: number): void {
  ngx.header["Retry-After"] = string.format("%d", retryAfterSeconds);
  answerProblem(kind);
}

/** The same with another status, and with more to say than the title does. */
export function answerProblemWith(kind: ProblemKind, status: number, detail: string | undefined): void {
  noteProblem(kind.code);
  if (status === 401) {
    ngx.header["WWW-Authenticate"] = bearerChallenge(kind);
  } else if (status === 503) {
    ngx.header["Retry-After"] = UNAVAILABLE_RETRY_AFTER_SECONDS;
  }
  send(status, PROBLEM_MEDIA_TYPE, problemDocument(kind, status, detail, requestId()));
}

/** A page of this site, or that the browser's own is still good. */
export function answerPage(page: PageSettings, isKnown: boolean, securityPolicy: string): void {
  ngx.header["Content-Security-Policy"] = securityPolicy;
  ngx.header["X-Content-Type-Options"] = "nosniff";
  ngx.header["Referrer-Policy"] = "same-origin";
  ngx.header["Cross-Origin-Opener-Policy"] = "same-origin";
  ngx.header["Cache-Control"] = "no-cache";
  ngx.header.ETag = page.etag;
  if (isKnown) {
    // `ngx.exit(304)` would answer without the entity tag.
    ngx.status = 304;
    ngx.send_headers();
    ngx.exit(ngx.HTTP_OK);
    return;
  }
  send(200, page.contentType, page.body);
}

/** What nginx has decided to answer, when it asks us for the document. */
export function responseStatus(): number {
  return ngx.status;
}

function send(status: number, contentType: string, body: string): void {
  ngx.status = status;
  ngx.header["Content-Type"] = contentType;
  ngx.header["Content-Length"] = body.length;
  ngx.print(body);
  ngx.exit(ngx.HTTP_OK);
}
