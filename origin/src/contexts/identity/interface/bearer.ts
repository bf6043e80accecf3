import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { Refusal } from "../../../kernel/errors.ts";
import type { Authenticators } from "../../../platform/http/access.ts";
import { identityErrors } from "../errors.ts";

/** Reads the one bearer token of a request; none or several are refused. */
export function authenticateUserBy(
  verify: (token: string) => ReturnType<NonNullable<Authenticators["user"]>>,
): NonNullable<Authenticators["user"]> {
  return async (request) => {
    const token = bearerToken(request);
    if (token === undefined) {
      throw new Refusal(identityErrors.tokenMissing, { headers: { "www-authenticate": "Bearer" } });
    }
    return verify(token);
  };
}

/** Compares digests, so that neither the length nor the first wrong character shows in the time. */
export function authenticateOperatorBy(secret: string): NonNullable<Authenticators["operator"]> {
  const expected = sha256(secret);
  return async (request) => {
    const token = bearerToken(request);
    if (token === undefined || !timingSafeEqual(sha256(token), expected)) {
      throw new Refusal(identityErrors.operatorUnauthorized, { headers: { "www-authenticate": "Bearer" } });
    }
  };
}

/** Node keeps the first of several Authorization headers; `headersDistinct` shows them all. */
function bearerToken(request: FastifyRequest): string | undefined {
  const headers = request.raw.headersDistinct.authorization ?? [];
  if (headers.length > 1) {
    throw new Refusal(identityErrors.tokenMalformed, {
      detail: "there is more than one Authorization header",
    });
  }
  return /^Bearer +(\S+)$/i.exec(headers[0] ?? "")?.[1];
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
