import { type ProblemKind, problemType } from "@sluice/contract/error-codes.ts";
import { noteProblem, requestId } from "./request.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** A JSON answer; `HEAD` gets its headers only. */
export function answerJson(status: number, body: string): void {
  send(status, JSON_TYPE, body);
}

export function answerProblemText(status: number, body: string): void {
  send(status, PROBLEM_TYPE, body);
}

/** Answers with an error of the catalogue and ends the request. */
export function answerProblem(kind: ProblemKind): void {
  answerProblemWith(kind, kind.status, undefined);
}

/** The same with another status, and with more to say than the title does. */
export function answerProblemWith(kind: ProblemKind, status: number, detail: string | undefined): void {
  noteProblem(kind.code);
  if (status === 401) {
    // RFC 6750, 3: the error attribute is for requests that did carry a token.
    ngx.header["WWW-Authenticate"] =
      kind.code === "token.missing"
        ? 'Bearer realm="sluice"'
        : 'Bearer realm="sluice", error="invalid_token"';
  } else if (status === 503) {
    ngx.header["Retry-After"] = "1";
  }
  send(status, PROBLEM_TYPE, problemBody(kind, status, detail));
}

/** What nginx has decided to answer, when it asks us for the document. */
export function responseStatus(): number {
  return ngx.status;
}

export function setAllow(methods: string): void {
  ngx.header.Allow = methods;
}

function send(status: number, contentType: string, body: string): void {
  ngx.status = status;
  ngx.header["Content-Type"] = contentType;
  ngx.header["Content-Length"] = body.length;
  ngx.print(body);
  ngx.exit(ngx.HTTP_OK);
}

/** Titles and details are our own texts: nothing in them needs escaping. */
function problemBody(kind: ProblemKind, status: number, detail: string | undefined): string {
  const detailMember = detail === undefined ? "" : `,"detail":"${detail}"`;
  return `{"type":"${problemType(kind.code)}","title":"${kind.title}","status":${status},"code":"${kind.code}"${detailMember},"requestId":"${requestId()}"}`;
}
