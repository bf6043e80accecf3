import Type from "typebox";
import { uuidPattern } from "../../../kernel/ids.ts";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Client } from "../application/client.ts";
import type { Whose } from "../application/end-sessions.ts";
import type { TrailEntry, TrailFilter } from "../application/trail.ts";
import { trailKinds, trailLimits } from "../application/trail.ts";

export interface IdentityOperatorUseCases {
  /** Returns how many live sessions were ended. */
  revoke(whose: Whose, operator: string, client: Client): Promise<number>;
  trail(filter: TrailFilter, beforeId: number, limit: number): Promise<readonly TrailEntry[]>;
}

const RevokeBody = Type.Union([
  Type.Object({ userId: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
  Type.Object({ sessionId: Type.String({ pattern: uuidPattern }) }, { additionalProperties: false }),
]);

const TrailQuery = Type.Object(
  {
    userId: Type.Optional(Type.Integer({ minimum: 1 })),
    sessionId: Type.Optional(Type.String({ pattern: uuidPattern })),
    kind: Type.Optional(Type.Union(trailKinds.map((kind) => Type.Literal(kind)))),
    address: Type.Optional(Type.String({ pattern: "^[0-9A-Fa-f.:]{2,45}$" })),
    since: Type.Optional(Type.String({ format: "date-time" })),
    cursor: Type.Integer({ minimum: 1, default: Number.MAX_SAFE_INTEGER }),
    limit: Type.Integer({ minimum: 1, maximum: trailLimits.pageMax, default: 50 }),
  },
  { additionalProperties: false },
);

export function addIdentityOperatorRoutes(app: HttpServer, useCases: IdentityOperatorUseCases): void {
  app.post(
    "/sessions/revoke",
    {
      config: { access: "operator:sessions" },
      schema: {
        tags: ["identity"],
        body: RevokeBody,
        response: { 200: Type.Object({ revoked: Type.Integer() }) },
      },
    },
    async (request) => ({
      revoked: await useCases.revoke(request.body, request.operator.name, clientOf(request)),
    }),
  );

  app.get(
    "/audit",
    { config: { access: "operator:audit" }, schema: { tags: ["identity"], querystring: TrailQuery } },
    async ({ query: { cursor, limit, since, ...filter } }) => {
      const sinceMs = since === undefined ? undefined : Date.parse(since);
      const entries = await useCases.trail({ ...filter, sinceMs }, cursor, limit);
      const last = entries.length === limit ? entries.at(-1) : undefined;
      return {
        entries: entries.map(({ atMs, ...entry }) => ({ ...entry, at: new Date(atMs).toISOString() })),
        nextCursor: last === undefined ? null : String(last.id),
      };
    },
  );
}
