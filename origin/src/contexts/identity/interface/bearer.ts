import type { FastifyRequest } from "fastify";
import { Refusal } from "../../../kernel/errors.ts";
import type { AuthenticatedOperator, Authenticators, OperatorScope } from "../../../platform/http/access.ts";
import { clientOf } from "../../../platform/http/client.ts";
import type { TrailEvent } from "../application/trail.ts";
import { identityErrors } from "../errors.ts";

const scheme = "bearer ";

export interface KnownOperator extends AuthenticatedOperator {
  readonly scopes: readonly OperatorScope[];
}

export function authenticateOperatorBy(
  find: (token: string) => KnownOperator | undefined,
  record: (refused: TrailEvent) => void,
): NonNullable<Authenticators["operator"]> {
  return async (request, scope) => {
    const fields = authorizationsOf(request);
    const token = fields.length === 1 ? tokenIn(fields[0]) : undefined;
    const operator = token === undefined ? undefined : find(token);
    const refused = (detail: string) =>
      record({ kind: "operator_refused", operator: operator?.name, detail, client: clientOf(request) });
    if (operator === undefined) {
      refused(identityErrors.operatorUnauthorized.code);
      throw new Refusal(
        identityErrors.operatorUnauthorized,
        challenge(fields.length > 0 ? 'error="invalid_token"' : ""),
      );
    }
    if (!operator.scopes.includes(scope)) {
      refused(`${identityErrors.operatorScope.code} ${scope}`);
      throw new Refusal(identityErrors.operatorScope, {
        detail: `This needs the scope "${scope}"; the token of ${operator.name} has ${operator.scopes.join(", ") || "none"}`,
        ...challenge(`error="insufficient_scope", scope="${scope}"`),
      });
    }
    return operator;
  };
}

/** RFC 6750, section 3: the error is for requests that did carry a token. */
export function challenge(parameters = "") {
  const more = parameters === "" ? "" : `, ${parameters}`;
  return { headers: { "www-authenticate": `Bearer realm="sluice"${more}` } };
}

/** Of several such headers `request.headers` has the first only. */
export function authorizationsOf(request: FastifyRequest): readonly string[] {
  return request.raw.headersDistinct.authorization ?? [];
}

export function tokenIn(field = ""): string | undefined {
  return field.slice(0, scheme.length).toLowerCase() === scheme ? field.slice(scheme.length) : undefined;
}
