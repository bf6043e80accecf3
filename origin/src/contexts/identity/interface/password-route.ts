import Type from "typebox";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Changer } from "../application/change-password.ts";
import { passwordLengthMax, passwordLengthMin } from "../application/credentials.ts";

const ChangeBody = Type.Object(
  {
    currentPassword: Type.Optional(Type.String({ maxLength: passwordLengthMax })),
    newPassword: Type.String({ minLength: passwordLengthMin, maxLength: passwordLengthMax }),
  },
  { additionalProperties: false },
);

/** Returns how many other sessions it ended. */
export type ChangePassword = (changer: Changer, current: string | undefined, next: string) => Promise<number>;

export function addPasswordRoute(app: HttpServer, change: ChangePassword): void {
  app.post(
    "/auth/password",
    {
      config: { access: "user" },
      schema: {
        tags: ["identity"],
        body: ChangeBody,
        response: { 200: Type.Object({ sessionsEnded: Type.Integer() }) },
      },
    },
    async (request) => {
      const { id: userId, sessionId } = request.user;
      const { currentPassword, newPassword } = request.body;
      const changer = { userId, sessionId, client: clientOf(request) };
      return { sessionsEnded: await change(changer, currentPassword, newPassword) };
    },
  );
}
