import Type from "typebox";
import { uuidPattern } from "../../../kernel/ids.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Whose } from "../application/end-sessions.ts";

const RevokeBody = Type.Union([
  Type.Object({ userId: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
  Type.Object({ sessionId: Type.String({ pattern: uuidPattern }) }, { additionalProperties: false }),
]);

export function addIdentityOperatorRoutes(app: HttpServer, revoke: (whose: Whose) => Promise<number>): void {
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
    async (request) => ({ revoked: await revoke(request.body) }),
  );
}
