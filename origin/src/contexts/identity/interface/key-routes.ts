import Type, { type Static } from "typebox";
import { clientOf } from "../../../platform/http/client.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { Client } from "../application/client.ts";
import type { ScheduledKey } from "../application/key-schedule.ts";

export interface KeyUseCases {
  list(): readonly ScheduledKey[];
  rotate(dropOld: boolean, operator: string, client: Client): Promise<readonly ScheduledKey[]>;
}

const KeysBody = Type.Object({
  keys: Type.Array(
    Type.Object({
      kid: Type.String(),
      state: Type.Union([Type.Literal("announced"), Type.Literal("signing"), Type.Literal("verifying")]),
      signsFrom: Type.String(),
      verifiesUntil: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
});

const RotateBody = Type.Object({ dropOld: Type.Optional(Type.Boolean()) }, { additionalProperties: false });

/** For operators: the keys that sign access tokens. Their public halves are at `/.well-known/jwks.json`. */
export function addKeyRoutes(app: HttpServer, keys: KeyUseCases): void {
  const config = { access: "operator:keys" } as const;
  const tags = ["identity"];

  app.get("/keys", { config, schema: { tags, response: { 200: KeysBody } } }, async () =>
    toBody(keys.list()),
  );

  app.post(
    "/keys/rotate",
    { config, schema: { tags, body: RotateBody, response: { 200: KeysBody } } },
    async (request) =>
      toBody(await keys.rotate(request.body.dropOld === true, request.operator.name, clientOf(request))),
  );
}

function toBody(keys: readonly ScheduledKey[]): Static<typeof KeysBody> {
  return {
    keys: keys.map(({ signsFrom, verifiesUntil, ...key }) => ({
      ...key,
      signsFrom: isoOf(signsFrom),
      verifiesUntil: verifiesUntil === null ? null : isoOf(verifiesUntil),
    })),
  };
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
