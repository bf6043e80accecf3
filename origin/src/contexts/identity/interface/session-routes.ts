import Type, { type Static } from "typebox";
import { uuidPattern } from "../../../kernel/ids.ts";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Client } from "../application/client.ts";
import type { SignedIn } from "../application/end-sessions.ts";
import type { OwnSession } from "../application/list-sessions.ts";

export interface SessionUseCases {
  list(user: SignedIn): Promise<readonly OwnSession[]>;
  endOne(user: SignedIn, sessionId: string, client: Client): Promise<void>;
  /** Returns how many were ended. */
  endOthers(user: SignedIn, client: Client): Promise<number>;
}

const SessionBody = Type.Object({
  id: Type.String(),
  current: Type.Boolean(),
  device: Type.String(),
  userAgent: Type.String(),
  address: Type.String(),
  country: Type.String(),
  createdAt: Type.String(),
  lastUsedAt: Type.String(),
  expiresAt: Type.String(),
});

const Params = Type.Object({ id: Type.String({ pattern: uuidPattern }) });

/** What people see of their own sessions. */
export function addSessionRoutes(app: HttpServer, sessions: SessionUseCases): void {
  const config = { access: "user" } as const;
  const tags = ["identity"];

  app.get(
    "/auth/sessions",
    { config, schema: { tags, response: { 200: Type.Object({ sessions: Type.Array(SessionBody) }) } } },
    async (request, reply) => {
      const own = await sessions.list(request.user);
      return reply.header("cache-control", "no-store").send({ sessions: own.map(toBody) });
    },
  );

  app.delete(
    "/auth/sessions",
    { config, schema: { tags, response: { 200: Type.Object({ ended: Type.Integer() }) } } },
    async (request) => ({ ended: await sessions.endOthers(request.user, clientOf(request)) }),
  );

  app.delete(
    "/auth/sessions/:id",
    { config, schema: { tags, params: Params, response: { 204: Type.Null() } } },
    async (request, reply) => {
      await sessions.endOne(request.user, request.params.id, clientOf(request));
      return reply.code(204).send(null);
    },
  );
}

function toBody(session: OwnSession): Static<typeof SessionBody> {
  const { createdAtMs, lastUsedAtMs, expiresAtMs, ...rest } = session;
  return {
    ...rest,
    createdAt: new Date(createdAtMs).toISOString(),
    lastUsedAt: new Date(lastUsedAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}
