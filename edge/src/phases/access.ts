import { isFromPageOf } from "@sluice/contract/cookies.ts";
import { CROSS_SITE } from "@sluice/contract/error-codes.ts";
import { type Address, addressFromBytes } from "@sluice/contract/policy/address.ts";
import { nowMs } from "../platform/clock.ts";
import { clientAddressBytes, fetchSite, requestMethod, requestOrigin } from "../platform/request.ts";
import { inspectHeaders } from "../platform/request-headers.ts";
import { answerProblem } from "../platform/response.ts";
import { sessionProblem } from "../token/sessions.ts";
import { verifyAuthorization } from "../token/verify.ts";

/**
 * Only requests come here of which all was decided in the set phase but whether their session lives, and that must be
 * waited for. The token is read again, which is a lookup by now: what one phase knows of a request is not kept for
 * the next, because nothing promises that no other request comes between them.
 *
 * @phase access
 */
export function awaitSession(): void {
  requireUser();
}

let publicUrl = "";

export function configureAccess(ownUrl: string): void {
  publicUrl = ownUrl;
}

/** Who asks, with a token of a living session; undefined when they have got their answer. May wait. */
export function requireUser(): string | undefined {
  const address = addressFromBytes(clientAddressBytes()) as Address;
  const headers = inspectHeaders(true);
  const [token, problem] = verifyAuthorization(headers, address, nowMs());
  if (token === undefined) {
    answerProblem(problem as NonNullable<typeof problem>);
    return undefined;
  }
  if (headers.cookies > 0 && changesSomething() && !isFromPageOf(publicUrl, fetchSite(), requestOrigin())) {
    answerProblem(CROSS_SITE);
    return undefined;
  }
  const refusal = sessionProblem(token.sessionId);
  if (refusal !== undefined) {
    answerProblem(refusal);
    return undefined;
  }
  return token.userId;
}

function changesSomething(): boolean {
  const method = requestMethod();
  return method !== "GET" && method !== "HEAD";
}
