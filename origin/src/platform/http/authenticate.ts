import assert from "node:assert/strict";
import type { FastifyRequest } from "fastify";
import { Refusal } from "../../kernel/errors.ts";
import {
  type Access,
  type AuthenticatedOperator,
  type AuthenticatedUser,
  type Authenticators,
  type DeclaredRoute,
  type OperatorScope,
  operatorScopes,
} from "./access.ts";
import type { HttpServer } from "./server.ts";

const declared = new WeakMap<object, DeclaredRoute[]>();

/** Every route of the listener with what it needs. */
export function declaredRoutes(app: HttpServer): readonly DeclaredRoute[] {
  return declared.get(app.server) ?? [];
}

/**
 * Refuses routes that declare no access at registration, and requests that lack it before their body is
 * read. No header of the edge counts: the token is verified again here.
 */
export function authenticateBy(app: HttpServer, authenticators: Authenticators): void {
  const users = new WeakMap<FastifyRequest, AuthenticatedUser>();
  const operators = new WeakMap<FastifyRequest, AuthenticatedOperator>();
  const routes: DeclaredRoute[] = [];
  declared.set(app.server, routes);

  app.decorateRequest("user", { getter: getterOf(users, "user") });
  app.decorateRequest("isStillAllowed", async function (this: FastifyRequest) {
    try {
      await need(authenticators.user)(this);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  });
  app.decorateRequest("operator", { getter: getterOf(operators, "operator") });

  app.addHook("onRoute", (route) => {
    const access = route.config?.access;
    for (const method of [route.method].flat()) {
      const name = `${method} ${route.url}`;
      assert(access !== undefined, `${name} declares no access`);
      const needed = neededBy(access);
      assert(
        needed.who === "public" || authenticators[needed.who] !== undefined,
        `${name} needs ${access}, which this listener can't check`,
      );
      routes.push({ method, path: route.url, access });
    }
  });

  app.addHook("onRequest", async (request) => {
    const { access } = request.routeOptions.config;
    // What is not a route has no declaration; it is answered 404.
    if (access === undefined) return;
    const needed = neededBy(access);
    if (needed.who === "user") users.set(request, await need(authenticators.user)(request));
    else if (needed.who === "operator") {
      operators.set(request, await need(authenticators.operator)(request, needed.scope));
    }
  });
}

type Needed =
  | { readonly who: "public" | "user" }
  | { readonly who: "operator"; readonly scope: OperatorScope };

/** Types end at JavaScript: a declaration that means nothing must not mean `public`. */
function neededBy(access: Access): Needed {
  if (access === "public" || access === "user") return { who: access };
  const scope = operatorScopes.find((one) => access === `operator:${one}`);
  assert(scope !== undefined, `no such access: ${String(access)}`);
  return { who: "operator", scope };
}

function getterOf<T>(known: WeakMap<FastifyRequest, T>, name: string) {
  return function (this: FastifyRequest): T {
    const found = known.get(this);
    assert(found !== undefined, `request.${name} is there on routes with access: ${name} only`);
    return found;
  };
}

function need<T>(authenticator: T | undefined): T {
  assert(authenticator !== undefined);
  return authenticator;
}
