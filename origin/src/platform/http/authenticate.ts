import assert from "node:assert/strict";
import type { FastifyRequest } from "fastify";
import type { AuthenticatedUser, Authenticators } from "./access.ts";
import type { HttpServer } from "./server.ts";

/**
 * Refuses routes that declare no access at registration, and requests that lack it before their body is
 * read. No header of the edge counts: the token is verified again here.
 */
export function authenticateBy(app: HttpServer, authenticators: Authenticators): void {
  const users = new WeakMap<FastifyRequest, AuthenticatedUser>();

  app.decorateRequest("user", {
    getter() {
      const user = users.get(this as FastifyRequest);
      assert(user !== undefined, "request.user is there on routes with access: user only");
      return user;
    },
  });

  app.addHook("onRoute", (route) => {
    const access = route.config?.access;
    const name = `${String(route.method)} ${route.url}`;
    assert(access !== undefined, `${name} declares no access`);
    if (access !== "public") {
      assert(
        authenticators[access] !== undefined,
        `${name} needs ${access}, which this listener can't check`,
      );
    }
  });

  app.addHook("onRequest", async (request) => {
    switch (request.routeOptions.config.access) {
      case "user":
        users.set(request, await need(authenticators.user)(request));
        break;
      case "operator":
        await need(authenticators.operator)(request);
        break;
    }
  });
}

function need<T>(authenticator: T | undefined): T {
  assert(authenticator !== undefined);
  return authenticator;
}
