import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { orderingErrors } from "../errors.ts";

/** Takes a callback of the named provider; refuses what it has not signed. */
export type ReceiveCallback = (
  provider: string,
  body: Buffer,
  header: (name: string) => string | undefined,
) => Promise<void>;

const Params = Type.Object({ provider: Type.String({ minLength: 1, maxLength: 32 }) });

/** Signatures are of bytes, so here, and only here, the body is taken as it came. */
export function addCallbackRoute(app: HttpServer, receive: ReceiveCallback): void {
  app.register(async (scope: HttpServer) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
      done(null, body);
    });
    scope.post(
      "/payments/callback/:provider",
      {
        config: { access: "public" },
        schema: {
          tags: ["ordering"],
          params: Params,
          response: { 200: Type.Object({ received: Type.Boolean() }) },
        },
      },
      async (request) => {
        if (!Buffer.isBuffer(request.body)) throw new Refusal(orderingErrors.callbackMalformed);
        const { headersDistinct } = request.raw;
        const header = (name: string) => {
          const values = headersDistinct[name] ?? [];
          return values.length === 1 ? values[0] : undefined;
        };
        await receive(request.params.provider, request.body, header);
        return { received: true };
      },
    );
  });
}
