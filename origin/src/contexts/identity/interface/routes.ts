import { TOKEN_KEY_ANNOUNCED_SECONDS } from "@sluice/contract/token-claims.ts";
import type { JSONWebKeySet } from "jose";
import Type from "typebox";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Client } from "../application/client.ts";
import { passwordLengthMax, passwordLengthMin, usernamePattern } from "../application/credentials.ts";
import type { Grant } from "../application/sign-in.ts";

/** What the routes can ask for. */
export interface IdentityUseCases {
  register(username: string, password: string, client: Client): Promise<Grant>;
  logIn(username: string, password: string, client: Client): Promise<Grant>;
  refresh(refreshToken: string, client: Client): Promise<Grant>;
  logOut(refreshToken: string, client: Client): Promise<void>;
}

const Credentials = Type.Object(
  {
    username: Type.String({ pattern: usernamePattern }),
    password: Type.String({ minLength: passwordLengthMin, maxLength: passwordLengthMax }),
  },
  { additionalProperties: false },
);

/** At login any text is a password that may be wrong; only its length is bounded. */
const LoginAttempt = Type.Object(
  { username: Type.String({ maxLength: 64 }), password: Type.String({ maxLength: passwordLengthMax }) },
  { additionalProperties: false },
);

/** Bounded only: what is no token of ours is unknown, which the answer says better than a pattern. */
const Refresh = Type.Object(
  { refreshToken: Type.String({ minLength: 1, maxLength: 128 }) },
  { additionalProperties: false },
);

const GrantBody = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.Integer(),
  user: Type.Object({ id: Type.Integer(), username: Type.String() }),
});

const config = { access: "public" } as const;

export function addIdentityRoutes(
  app: HttpServer,
  useCases: IdentityUseCases,
  jwks: () => Promise<JSONWebKeySet>,
): void {
  const tags = ["identity"];

  app.post(
    "/auth/register",
    { config, schema: { tags, body: Credentials, response: { 201: GrantBody } } },
    async (request, reply) => {
      const { username, password } = request.body;
      return uncached(reply)
        .code(201)
        .send(await useCases.register(username, password, clientOf(request)));
    },
  );

  app.post(
    "/auth/login",
    { config, schema: { tags, body: LoginAttempt, response: { 200: GrantBody } } },
    async (request, reply) => {
      const { username, password } = request.body;
      return uncached(reply).send(await useCases.logIn(username, password, clientOf(request)));
    },
  );

  app.post(
    "/auth/refresh",
    { config, schema: { tags, body: Refresh, response: { 200: GrantBody } } },
    async (request, reply) =>
      uncached(reply).send(await useCases.refresh(request.body.refreshToken, clientOf(request))),
  );

  app.post(
    "/auth/logout",
    { config, schema: { tags, body: Refresh, response: { 204: Type.Null() } } },
    async (request, reply) => {
      await useCases.logOut(request.body.refreshToken, clientOf(request));
      return reply.code(204).send(null);
    },
  );

  app.get("/.well-known/jwks.json", { config, schema: { tags } }, async (_request, reply) =>
    // Not longer than a key is announced before it signs.
    reply.header("cache-control", `public, max-age=${TOKEN_KEY_ANNOUNCED_SECONDS}`).send(await jwks()),
  );
}

/** RFC 6749, 5.1: answers with tokens are never stored. */
function uncached<Reply extends { header(name: string, value: string): Reply }>(reply: Reply): Reply {
  return reply.header("cache-control", "no-store");
}
