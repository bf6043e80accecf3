import { COOKIE_OAUTH } from "@sluice/contract/cookies.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { OauthCallback, OauthEnd, OauthStart } from "../application/oauth.ts";
import type { OauthAttempt } from "../application/provider-ports.ts";
import { returnToLengthMax, returnToPattern } from "../application/return-to.ts";
import { cookieOf, dropAttempt, keepAttempt, keepTokens } from "./cookies.ts";
import type { BrowserSettings } from "./routes.ts";

export interface OauthUseCases {
  providers(): readonly { readonly id: string; readonly name: string }[];
  start(given: Pick<OauthAttempt, "provider" | "returnTo" | "link">): Promise<OauthStart>;
  finish(callback: OauthCallback): Promise<OauthEnd>;
}

const Provider = Type.Object({ provider: Type.String() });
const ReturnTo = Type.Object(
  {
    returnTo: Type.String({ pattern: returnToPattern, maxLength: returnToLengthMax, default: "/" }),
  },
  { additionalProperties: false },
);
/** In a body nothing is filled in. */
const LinkBody = Type.Object(
  { returnTo: Type.Optional(ReturnTo.properties.returnTo) },
  { additionalProperties: false },
);

const tags = ["identity"];
const open = { access: "public" } as const;

export function addOauthRoutes(
  app: HttpServer,
  useCases: OauthUseCases,
  browser: BrowserSettings & { readonly attemptTtlSeconds: number },
): void {
  const { publicUrl, attemptTtlSeconds, refreshTokenTtlSeconds } = browser;
  const Listed = Type.Object({ id: Type.String(), name: Type.String() });

  app.get(
    "/auth/providers",
    { config: open, schema: { tags, response: { 200: Type.Object({ providers: Type.Array(Listed) }) } } },
    async () => ({ providers: useCases.providers().map(({ id, name }) => ({ id, name })) }),
  );

  app.get(
    "/auth/oauth/:provider/start",
    { config: open, schema: { tags, params: Provider, querystring: ReturnTo } },
    async (request, reply) => {
      const { returnTo } = request.query;
      const { location, sealed } = await useCases.start({ provider: request.params.provider, returnTo });
      keepAttempt(reply, sealed, attemptTtlSeconds);
      return unseen(reply).redirect(location.href, 303);
    },
  );

  app.post(
    "/auth/oauth/:provider/link",
    {
      config: { access: "user" },
      schema: {
        tags,
        params: Provider,
        body: LinkBody,
        response: { 200: Type.Object({ location: Type.String() }) },
      },
    },
    async (request, reply) => {
      const { id: userId, sessionId } = request.user;
      const { location, sealed } = await useCases.start({
        provider: request.params.provider,
        returnTo: request.body.returnTo ?? "/",
        link: { userId, sessionId },
      });
      keepAttempt(reply, sealed, attemptTtlSeconds);
      return unseen(reply).send({ location: location.href });
    },
  );

  app.get(
    "/auth/oauth/:provider/callback",
    { config: open, schema: { tags, params: Provider }, errorHandler: tellThePage(publicUrl) },
    async (request, reply) => {
      dropAttempt(reply);
      const end = await useCases.finish({
        provider: request.params.provider,
        sealed: cookieOf(request, COOKIE_OAUTH),
        query: new URL(request.url, publicUrl).searchParams,
        client: clientOf(request),
      });
      if (end.grant !== undefined) keepTokens(reply, end.grant, refreshTokenTtlSeconds);
      return unseen(reply).redirect(addressOf(end.returnTo, publicUrl), 303);
    },
  );
}

/** With its host: a path may begin with what browsers take for one, such as `/.//other.example`. */
function addressOf(returnTo: string, publicUrl: string): string {
  return new URL(returnTo, publicUrl).href;
}

/** Codes and states stand in these addresses. */
function unseen<Reply extends FastifyReply>(reply: Reply): Reply {
  reply.header("cache-control", "no-store").header("referrer-policy", "no-referrer");
  return reply;
}

/** Who looks at a problem document in a browser window can do nothing with it: the page tells what it means. */
function tellThePage(publicUrl: string) {
  return (error: Error, request: FastifyRequest, reply: FastifyReply) => {
    const isPage = request.headers.accept?.includes("text/html") === true;
    if (!isPage || !(error instanceof Refusal)) throw error;
    reply.problemCode = error.definition.code;
    return unseen(reply).redirect(`${publicUrl}/account#problem=${error.definition.code}`, 303);
  };
}
