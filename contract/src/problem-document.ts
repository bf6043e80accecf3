import { type ProblemKind, problemType, TOKEN_MISSING } from "./error-codes.ts";

/** Of every other answer. */
export const JSON_MEDIA_TYPE = "application/json; charset=utf-8";

/** Of every problem document: RFC 9457, 3. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json; charset=utf-8";

/** `Retry-After` of a 503 that the edge answers: what it waits for is back within seconds, or long gone. */
export const UNAVAILABLE_RETRY_AFTER_SECONDS = "1";

/**
 * The document as the edge writes it. All four are the service's own texts, in which nothing needs escaping; of
 * `requestId` that is for the caller to see to.
 */
export function problemDocument(
  kind: ProblemKind,
  status: number,
  detail: string | undefined,
  requestId: string,
): string {
  const detailMember = detail === undefined ? "" : `,"detail":"${detail}"`;
  return `{"type":"${problemType(kind.code)}","title":"${kind.title}","status":${status},"code":"${kind.code}"${detailMember},"requestId":"${requestId}"}`;
}

/** `WWW-Authenticate` of a 401. The error attribute is for requests that did carry a token (RFC 6750, 3). */
export function bearerChallenge(kind: ProblemKind): string {
  const realm = 'Bearer realm="sluice"';
  return kind.code === TOKEN_MISSING.code ? realm : `${realm}, error="invalid_token"`;
}
