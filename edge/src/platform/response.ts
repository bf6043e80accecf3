import type { ProblemKind } from "@sluice/contract/error-codes.ts";
import {
  bearerChallenge,
  PROBLEM_MEDIA_TYPE,
  problemDocument,
  UNAVAILABLE_RETRY_AFTER_SECONDS,
} from "@sluice/contract/problem-document.ts";
import { noteProblem, requestId } from "./request.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** A JSON answer; `HEAD` gets its headers only. */
export function answerJson(status: number, body: string): void {
  send(status, JSON_TYPE, body);
}

export function answerProblemText(status: number, body: string): void {
  send(status, PROBLEM_MEDIA_TYPE, body);
}

/** Answers with an error of the catalogue and ends the request. */
export function answerProblem(kind: ProblemKind): void {
  answerProblemWith(kind, kind.status, undefined);
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
