import {
  EDGE_FAILED,
  EDGE_NOT_READY,
  METHOD_NOT_ALLOWED,
  ORIGIN_TIMEOUT,
  ORIGIN_UNAVAILABLE,
  type ProblemKind,
  REQUEST_MALFORMED,
  REQUEST_TOO_LARGE,
  ROUTE_NOT_FOUND,
} from "@sluice/contract/error-codes.ts";
import { isLive } from "../changes/liveness.ts";
import { countriesLoaded } from "../geo/geo-data.ts";
import { answerJson, answerProblem, answerProblemWith, responseStatus } from "../platform/response.ts";
import { accessLoaded } from "../policies/access.ts";
import { tokenKeysLoaded } from "../token/keys.ts";

/**
 * `GET /readyz`: whether this worker can decide, and what it waits for. Whether it follows the changes at the
 * moment is told and does not count: without Redis the edge works on with what it knows.
 *
 * @phase content
 */
export function answerReadiness(): void {
  let missing = "";
  if (!accessLoaded()) missing += " policy";
  if (!tokenKeysLoaded()) missing += " keys";
  if (!countriesLoaded()) missing += " geo";
  if (missing === "") {
    answerJson(200, `{"status":"ready","changes":"${isLive() ? "followed" : "lost"}"}`);
    return;
  }
  answerProblemWith(EDGE_NOT_READY, EDGE_NOT_READY.status, `Missing:${missing}`);
}

/**
 * Where nginx sends its own errors (`error_page`): the same form as all others.
 *
 * @phase content
 */
export function answerNginxError(): void {
  const status = responseStatus();
  const kind = kindOf(status);
  if (kind === undefined) {
    answerProblem(EDGE_FAILED);
    return;
  }
  answerProblemWith(kind, status, undefined);
}

function kindOf(status: number): ProblemKind | undefined {
  switch (status) {
    case 400:
    case 408:
    case 411:
    case 501:
    case 505:
      return REQUEST_MALFORMED;
    case 404:
      return ROUTE_NOT_FOUND;
    case 405:
      return METHOD_NOT_ALLOWED;
    case 413:
    case 414:
    case 431:
      return REQUEST_TOO_LARGE;
    case 503:
      return ORIGIN_UNAVAILABLE;
    case 504:
      return ORIGIN_TIMEOUT;
    default:
      return undefined;
  }
}
