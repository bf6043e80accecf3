import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { Refusal } from "../../../kernel/errors.ts";
import type { Authenticators } from "../../../platform/http/access.ts";
import { identityErrors } from "../errors.ts";

const scheme = "bearer ";
const challenge = { "www-authenticate": 'Bearer realm="sluice"' };

/** Reads the one bearer token of a request; with two, whoever stands behind us might choose the other. */
export function authenticateUserBy(
  verify: (token: string) => ReturnType<NonNullable<Authenticators["user"]>>,
): NonNullable<Authenticators["user"]> {
  return async (request) => {
    const fields = authorizationsOf(request);
    if (fields.length > 1 || fields[0] === "") {
      throw new Refusal(identityErrors.tokenMalformed, { headers: challenge });
    }
    const token = tokenIn(fields[0]);
    if (token === undefined) throw new Refusal(identityErrors.tokenMissing, { headers: challenge });
    return verify(token);
  };
}

/** Compares digests, so that neither the length nor the first wrong character shows in the time. */
export function authenticateOperatorBy(secret: string): NonNullable<Authenticators["operator"]> {
  const expected = sha256(secret);
  return async (request) => {
    const fields = authorizationsOf(request);
    const token = fields.length === 1 ? tokenIn(fields[0]) : undefined;
    if (token === undefined || !timingSafeEqual(sha256(token), expected)) {
      throw new Refusal(identityErrors.operatorUnauthorized, { headers: challenge });
    }
  };
}

/** Of several such headers `request.headers` has the first only. */
function authorizationsOf(request: FastifyRequest): readonly string[] {
  return request.raw.headersDistinct.authorization ?? [];
}

function tokenIn(field = ""): string | undefined {
  return field.slice(0, scheme.length).toLowerCase() === scheme ? field.slice(scheme.length) : undefined;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
