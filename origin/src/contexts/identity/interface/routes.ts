import { COOKIE_REFRESH } from "@sluice/contract/cookies.ts";
import { TOKEN_KEY_ANNOUNCED_SECONDS } from "@sluice/contract/token-claims.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { JSONWebKeySet } from "jose";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Client } from "../application/client.ts";
import { passwordLengthMax, passwordLengthMin, usernamePattern } from "../application/credentials.ts";
import type { Grant } from "../application/sign-in.ts";
import { identityErrors } from "../errors.ts";
import { cookieOf, dropTokens, keepTokens, type RefuseOtherSites } from "./cookies.ts";

/** What the routes can ask for. */
export interface IdentityUseCases {
  register(username: string, password: string, client: Client): Promise<Grant>;
  logIn(username: string, password: string, client: Client): Promise<Grant>;
  refresh(refreshToken: string, client: Client): Promise<Grant>;
  logOut(refreshToken: string, client: Client): Promise<void>;
}

/** Browsers ask for cookies; to everybody else the tokens are told. */
const cookies = Type.Optional(Type.Boolean());

const Credentials = Type.Object(
  {
    username: Type.String({ pattern: usernamePattern }),
    password: Type.String({ minLength: passwordLengthMin, maxLength: passwordLengthMax }),
    cookies,
  },
  { additionalProperties: false },
);

/** At login any text is a password that may be wrong; only its length is bounded. */
const LoginAttempt = Type.Object(
  {
    username: Type.String({ maxLength: 64 }),
    password: Type.String({ maxLength: passwordLengthMax }),
    cookies,
  },
  { additionalProperties: false },
);

/**
 * Bounded only: what is no token of ours is unknown, which the answer says better than a pattern. Without one it is
 * the browser's cookie that counts.
 */
const Refresh = Type.Object(
  { refreshToken: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })) },
  { additionalProperties: false },
);

const GrantBody = Type.Object({
  accessToken: Type.Optional(Type.String()),
  refreshToken: Type.Optional(Type.String()),
  expiresIn: Type.Integer(),
  user: Type.Object({ id: Type.Integer(), username: Type.String() }),
});

export interface BrowserSettings {
  /** Where people find this site: no slash at its end. */
  readonly publicUrl: string;
  readonly refreshTokenTtlSeconds: number;
}

export interface SignInSettings extends BrowserSettings {
  readonly refuseOtherSites: RefuseOtherSites;
}

const config = { access: "public" } as const;

export function addIdentityRoutes(
  app: HttpServer,
  useCases: IdentityUseCases,
  browser: SignInSettings,
  jwks: () => Promise<JSONWebKeySet>,
): void {
  const tags = ["identity"];

  app.post(
    "/auth/register",
    { config, schema: { tags, body: Credentials, response: { 201: GrantBody } } },
    async (request, reply) => {
      const { username, password, cookies = false } = request.body;
      if (cookies) browser.refuseOtherSites(request);
      const grant = await useCases.register(username, password, clientOf(request));
      return reply.code(201).send(handOver(reply, grant, cookies, browser));
    },
  );

  app.post(
    "/auth/login",
    { config, schema: { tags, body: LoginAttempt, response: { 200: GrantBody } } },
    async (request, reply) => {
      const { username, password, cookies = false } = request.body;
      if (cookies) browser.refuseOtherSites(request);
      const grant = await useCases.logIn(username, password, clientOf(request));
      return handOver(reply, grant, cookies, browser);
    },
  );

  app.post(
    "/auth/refresh",
    { config, schema: { tags, body: Refresh, response: { 200: GrantBody } } },
    async (request, reply) => {
      const { token, cookies } = refreshTokenOf(request, request.body, browser);
      return handOver(reply, await useCases.refresh(token, clientOf(request)), cookies, browser);
    },
  );

  app.post(
    "/auth/logout",
    { config, schema: { tags, body: Refresh, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const { token, cookies } = refreshTokenOf(request, request.body, browser);
      await useCases.logOut(token, clientOf(request));
      if (cookies) dropTokens(reply);
      return reply.code(204).send(null);
    },
  );

  app.get("/.well-known/jwks.json", { config, schema: { tags } }, async (_request, reply) =>
    // Not longer than a key is announced before it signs.
    reply.header("cache-control", `public, max-age=${TOKEN_KEY_ANNOUNCED_SECONDS}`).send(await jwks()),
  );
}

/** RFC 6749, 5.1: answers with tokens are never stored. */
function handOver(reply: FastifyReply, grant: Grant, cookies: boolean, browser: BrowserSettings) {
  reply.header("cache-control", "no-store");
  if (!cookies) return grant;
  keepTokens(reply, grant, browser.refreshTokenTtlSeconds);
  return { expiresIn: grant.expiresIn, user: grant.user };
}

function refreshTokenOf(
  request: FastifyRequest,
  body: { readonly refreshToken?: string },
  { refuseOtherSites }: SignInSettings,
): { readonly token: string; readonly cookies: boolean } {
  if (body.refreshToken !== undefined) return { token: body.refreshToken, cookies: false };
  refuseOtherSites(request);
  const token = cookieOf(request, COOKIE_REFRESH);
  if (token === undefined) throw new Refusal(identityErrors.refreshInvalid);
  return { token, cookies: true };
}
