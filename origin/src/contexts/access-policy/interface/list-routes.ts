import Type, { type Static } from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { NewEntry } from "../application/edit-lists.ts";
import type { ListEntry, ListName } from "../application/ports.ts";

export interface ListUseCases {
  put(list: ListName, entry: NewEntry): Promise<{ readonly entry: ListEntry; readonly added: boolean }>;
  remove(list: ListName, cidr: string): Promise<void>;
  page(list: ListName, afterId: number, limit: number): Promise<ListEntry[]>;
}

/** The longest CIDR text is 49 characters; more is let through so that it gets the error that names it. */
const Cidr = Type.String({ minLength: 1, maxLength: 100 });

const NewEntryBody = Type.Object(
  {
    cidr: Cidr,
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    source: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    expiresAt: Type.Optional(Type.String({ format: "date-time" })),
  },
  { additionalProperties: false },
);

const EntryBody = Type.Object({
  id: Type.Integer(),
  list: Type.String(),
  cidr: Type.String(),
  reason: Type.String(),
  source: Type.String(),
  createdAt: Type.String(),
  expiresAt: Type.Union([Type.String(), Type.Null()]),
});

const PageQuery = Type.Object({
  cursor: Type.Integer({ minimum: 0, default: 0 }),
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
});

const PageBody = Type.Object({
  entries: Type.Array(EntryBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const Named = Type.Object({ list: Type.Union([Type.Literal("allow"), Type.Literal("deny")]) });

export function addListRoutes(app: HttpServer, lists: ListUseCases): void {
  const config = { access: "operator" } as const;
  const tags = ["access lists"];

  app.get(
    "/lists/:list",
    { config, schema: { tags, params: Named, querystring: PageQuery, response: { 200: PageBody } } },
    async (request) => {
      const { cursor, limit } = request.query;
      const entries = await lists.page(request.params.list, cursor, limit);
      const last = entries.length === limit ? entries.at(-1) : undefined;
      return { entries: entries.map(toBody), nextCursor: last === undefined ? null : String(last.id) };
    },
  );

  app.post(
    "/lists/:list",
    {
      config,
      schema: { tags, params: Named, body: NewEntryBody, response: { 200: EntryBody, 201: EntryBody } },
    },
    async (request, reply) => {
      const { cidr, reason = "", source = "operator", expiresAt } = request.body;
      const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(expiresAt);
      const { entry, added } = await lists.put(request.params.list, { cidr, reason, source, expiresAtMs });
      return reply.code(added ? 201 : 200).send(toBody(entry));
    },
  );

  app.delete(
    "/lists/:list",
    {
      config,
      schema: {
        tags,
        params: Named,
        querystring: Type.Object({ cidr: Cidr }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await lists.remove(request.params.list, request.query.cidr);
      return reply.code(204).send(null);
    },
  );
}

function toBody(entry: ListEntry): Static<typeof EntryBody> {
  const { id, list, cidr, reason, source, createdAtMs, expiresAtMs } = entry;
  return {
    id,
    list,
    cidr,
    reason,
    source,
    createdAt: new Date(createdAtMs).toISOString(),
    expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
  };
}
