import Type from "typebox";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Client } from "../application/client.ts";
import type { SignedIn } from "../application/end-sessions.ts";
import type { SignInWays } from "../application/linked-identities.ts";

export interface LinkedIdentityUseCases {
  whoIs(userId: number): Promise<{ readonly id: number; readonly username: string }>;
  waysOf(userId: number): Promise<SignInWays>;
  unlink(user: SignedIn, identityId: number, client: Client): Promise<void>;
}

const config = { access: "user" } as const;

const Session = Type.Object({
  user: Type.Object({ id: Type.Integer(), username: Type.String() }),
  sessionId: Type.String(),
});

const Ways = Type.Object({
  hasPassword: Type.Boolean(),
  identities: Type.Array(
    Type.Object({
      id: Type.Integer(),
      provider: Type.String(),
      label: Type.String(),
      linkedAt: Type.String(),
      lastUsedAt: Type.String(),
    }),
  ),
});

/** How one signs in: by password, and as whom at which provider. */
export function addLinkedIdentityRoutes(app: HttpServer, useCases: LinkedIdentityUseCases): void {
  const tags = ["identity"];

  app.get(
    "/auth/session",
    { config, schema: { tags, response: { 200: Session } } },
    async (request, reply) => {
      const { id, sessionId } = request.user;
      const { username } = await useCases.whoIs(id);
      return reply.header("cache-control", "no-store").send({ user: { id, username }, sessionId });
    },
  );

  app.get(
    "/auth/identities",
    { config, schema: { tags, response: { 200: Ways } } },
    async (request, reply) => {
      const { hasPassword, identities } = await useCases.waysOf(request.user.id);
      const listed = identities.map(({ id, provider, label, linkedAtMs, lastUsedAtMs }) => ({
        id,
        provider,
        label,
        linkedAt: new Date(linkedAtMs).toISOString(),
        lastUsedAt: new Date(lastUsedAtMs).toISOString(),
      }));
      return reply.header("cache-control", "no-store").send({ hasPassword, identities: listed });
    },
  );

  app.delete(
    "/auth/identities/:id",
    {
      config,
      schema: {
        tags,
        params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await useCases.unlink(request.user, request.params.id, clientOf(request));
      return reply.code(204).send(null);
    },
  );
}
