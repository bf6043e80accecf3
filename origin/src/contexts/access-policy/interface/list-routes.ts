import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import { ndjsonMediaType, readNdjson } from "../../../platform/http/ndjson.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { NewEntry } from "../application/edit-lists.ts";
import { type BulkEvent, collected, type Line } from "../application/edit-many.ts";
import type { ListEntry, ListName, PutBan, PutEntry } from "../application/ports.ts";
import type { BanPreview } from "../application/preview-ban.ts";
import { accessErrors } from "../errors.ts";

export interface ListUseCases {
  put(list: ListName, entry: NewEntry): Promise<PutEntry>;
  banAgain(entry: NewEntry): Promise<PutBan>;
  remove(list: ListName, cidr: string): Promise<void>;
  page(list: ListName, afterId: number, limit: number): Promise<ListEntry[]>;
  putAll(list: ListName, lines: AsyncIterable<Line<NewEntry>>): AsyncIterable<BulkEvent>;
  removeAll(list: ListName, lines: AsyncIterable<Line<{ readonly cidr: string }>>): AsyncIterable<BulkEvent>;
  all(list: ListName): AsyncIterable<ListEntry>;
  previewBan(cidr: string): Promise<BanPreview>;
}

const strict = { additionalProperties: false };

/** The longest CIDR text is 49 characters; more is let through so that it gets the error that names it. */
const Cidr = Type.String({ minLength: 1, maxLength: 100 });

const NewEntryBody = Type.Object(
  {
    cidr: Cidr,
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    source: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** Null: without an end. What is left out stays as it is when the block is in the list. */
    expiresAt: Type.Optional(Type.Union([Type.String({ format: "date-time" }), Type.Null()])),
  },
  strict,
);

/** Of a single ban. */
const BanBody = Type.Object(
  {
    ...NewEntryBody.properties,
    /** Ban it for longer than the last time; `expiresAt` is the end of a first ban. */
    escalate: Type.Optional(Type.Boolean()),
  },
  strict,
);

/** A line of a bulk removal; what was exported can be sent back as it is. */
const CidrLine = Type.Object({ cidr: Cidr });

const Lines = Type.Unknown({ description: "one such object on each line" });

const BulkBody = Type.Object({
  done: Type.Integer(),
  unchanged: Type.Integer({ description: "of those done: were there just so" }),
  faulty: Type.Integer(),
  faults: Type.Array(Type.Object({ line: Type.Integer(), message: Type.String() })),
});

const EntryBody = Type.Object({
  id: Type.Integer(),
  list: Type.String(),
  cidr: Type.String(),
  reason: Type.String(),
  source: Type.String(),
  createdAt: Type.String(),
  expiresAt: Type.Union([Type.String(), Type.Null()]),
  /** After an escalated ban: how many of the block are remembered, this one among them. */
  bans: Type.Optional(Type.Integer()),
});

const PreviewBody = Type.Object({
  cidr: Type.String(),
  allowListed: Type.Array(EntryBody),
  allowListedCount: Type.Integer(),
  recorded: Type.Integer(),
  hit: Type.Integer(),
});

const PageQuery = Type.Object(
  {
    cursor: Type.Integer({ minimum: 0, default: 0 }),
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  },
  strict,
);

const PageBody = Type.Object({
  entries: Type.Array(EntryBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const Named = Type.Object({ list: Type.Union([Type.Literal("allow"), Type.Literal("deny")]) });

export function addListRoutes(app: HttpServer, lists: ListUseCases): void {
  const config = { access: "operator:read" } as const;
  const editing = { access: "operator:lists" } as const;
  const tags = ["access lists"];
  app.addContentTypeParser(ndjsonMediaType, (_request, payload, done) => done(null, payload));

  app.get(
    "/lists/:list",
    { config, schema: { tags, params: Named, querystring: PageQuery, response: { 200: PageBody } } },
    async (request, reply) => {
      if (request.headers.accept === ndjsonMediaType)
        return sendLines(reply, linesOf(lists.all(request.params.list)));
      const { cursor, limit } = request.query;
      const entries = await lists.page(request.params.list, cursor, limit);
      const last = entries.length === limit ? entries.at(-1) : undefined;
      return { entries: entries.map(toBody), nextCursor: last === undefined ? null : String(last.id) };
    },
  );

  app.post(
    "/lists/:list",
    {
      config: editing,
      schema: {
        tags,
        params: Named,
        body: {
          content: { "application/json": { schema: BanBody }, [ndjsonMediaType]: { schema: Lines } },
        },
        response: { 200: Type.Union([EntryBody, BulkBody]), 201: EntryBody },
      },
    },
    async (request, reply) => {
      const body = request.body as Readable | Static<typeof BanBody>;
      if (body instanceof Readable) {
        return sendBulk(request, reply, lists.putAll(request.params.list, newEntriesIn(body)));
      }
      const { list } = request.params;
      if (body.escalate === true) {
        if (list !== "deny") throw new Refusal(accessErrors.escalationEndless);
        const { entry, added, bans } = await lists.banAgain(toNewEntry(body));
        return reply.code(added ? 201 : 200).send({ ...toBody(entry), bans });
      }
      const { entry, added } = await lists.put(list, toNewEntry(body));
      return reply.code(added ? 201 : 200).send(toBody(entry));
    },
  );

  app.post(
    "/lists/deny/preview",
    { config, schema: { tags, body: CidrLine, response: { 200: PreviewBody } } },
    async (request) => {
      const { allowListed, ...preview } = await lists.previewBan(request.body.cidr);
      return { ...preview, allowListed: allowListed.map(toBody) };
    },
  );

  app.delete(
    "/lists/:list",
    {
      config: editing,
      schema: {
        tags,
        params: Named,
        querystring: Type.Object({ cidr: Type.Optional(Cidr) }, strict),
        body: { content: { [ndjsonMediaType]: { schema: Lines } } },
        response: { 200: BulkBody, 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { list } = request.params;
      if (request.body instanceof Readable) {
        return sendBulk(request, reply, lists.removeAll(list, readNdjson(request.body, CidrLine)));
      }
      await lists.remove(list, request.query.cidr ?? "");
      return reply.code(204).send(null);
    },
  );
}

/** All at the end; or, for who accepts lines, `{"fault"}` for each and `{"progress"}` while it lasts, the last of it all. */
function sendBulk(request: FastifyRequest, reply: FastifyReply, events: AsyncIterable<BulkEvent>) {
  return request.headers.accept === ndjsonMediaType ? sendLines(reply, jsonLines(events)) : collected(events);
}

/** Takes any reply: what a route may send is typed by its JSON. */
function sendLines(reply: FastifyReply, lines: AsyncIterable<string>): FastifyReply {
  return reply.type(ndjsonMediaType).send(Readable.from(lines));
}

async function* jsonLines(events: AsyncIterable<BulkEvent>): AsyncGenerator<string> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`;
}

async function* newEntriesIn(stream: Readable): AsyncGenerator<Line<NewEntry>> {
  for await (const one of readNdjson(stream, NewEntryBody)) {
    yield "value" in one ? { line: one.line, value: toNewEntry(one.value) } : one;
  }
}

/** One line for each entry, in the form in which `POST` takes it back. */
async function* linesOf(entries: AsyncIterable<ListEntry>): AsyncGenerator<string> {
  for await (const { cidr, reason, source, expiresAtMs } of entries) {
    const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString();
    yield `${JSON.stringify({ cidr, reason, source, expiresAt })}\n`;
  }
}

function toNewEntry({ cidr, reason, source, expiresAt }: Static<typeof NewEntryBody>): NewEntry {
  return { cidr, reason, source, expiresAtMs: expiresAt == null ? expiresAt : Date.parse(expiresAt) };
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
