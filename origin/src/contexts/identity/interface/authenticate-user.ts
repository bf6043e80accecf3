import { COOKIE_ACCESS } from "@sluice/contract/cookies.ts";
import type { FastifyRequest } from "fastify";
import { Refusal } from "../../../kernel/errors.ts";
import type { Authenticators } from "../../../platform/http/access.ts";
import { identityErrors } from "../errors.ts";
import { authorizationsOf, challenge, tokenIn } from "./bearer.ts";
import { cookiesOf, type RefuseOtherSites } from "./cookies.ts";

type AuthenticateUser = NonNullable<Authenticators["user"]>;

const readOnly: readonly string[] = ["GET", "HEAD"];

/**
 * By the one access token of the request, in `Authorization` or in a browser's cookie. With two, whoever stands
 * behind us might choose the other.
 */
export function authenticateUserBy(
  verify: (token: string) => ReturnType<AuthenticateUser>,
  refuseOtherSites: RefuseOtherSites,
): AuthenticateUser {
  return async (request) => {
    const fields = authorizationsOf(request);
    const cookies = cookiesOf(request, COOKIE_ACCESS);
    if (fields.length + cookies.count > 1 || fields[0] === "") {
      throw new Refusal(identityErrors.tokenMalformed, challenge('error="invalid_token"'));
    }
    const token = cookies.first ?? tokenIn(fields[0]);
    if (token === undefined) throw new Refusal(identityErrors.tokenMissing, challenge());
    if (cookies.count > 0 && !isReadOnly(request)) refuseOtherSites(request);
    return verify(token);
  };
}

function isReadOnly({ method }: FastifyRequest): boolean {
  return readOnly.includes(method);
}
