import type { FastifyRequest } from "fastify";
import Type, { type Static } from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import type { AuthenticatedOperator } from "../../../platform/http/access.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { diffPolicies } from "../application/diff-policies.ts";
import type { Explanation, RequestToExplain } from "../application/explain-request.ts";
import type { Policies, PublishedRevision, Revision } from "../application/ports.ts";
import type { Attribution, Published } from "../application/publish-policy.ts";
import { accessErrors } from "../errors.ts";
import {
  DocumentBody,
  ExplanationBody,
  PageBody,
  PublicationBody,
  PublishedBody,
  type RevisionBody,
} from "./policy-schemas.ts";

export interface PolicyUseCases extends Pick<Policies, "current" | "page"> {
  publish(document: unknown, replaces: number, attribution: Attribution): Promise<Published>;
  revision(revision: number): Promise<PublishedRevision>;
  restore(revision: number, replaces: number | undefined, attribution: Attribution): Promise<Published>;
  explain(request: RequestToExplain): Promise<Explanation>;
}

const strict = { additionalProperties: false };
const authorLengthMax = 64;

/** The bodies are the document itself, so who publishes and why stands in the query. */
const AttributionQuery = Type.Object(
  {
    author: Type.Optional(Type.String({ minLength: 1, maxLength: authorLengthMax })),
    reason: Type.String({ maxLength: 500, default: "" }),
  },
  strict,
);

const Numbered = Type.Object({ revision: Type.Integer({ minimum: 1 }) });

const PageQuery = Type.Object(
  {
    cursor: Type.Integer({ minimum: 1, default: Number.MAX_SAFE_INTEGER }),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  },
  strict,
);

const DiffQuery = Type.Object(
  {
    /** The answer tells what changed since that revision. */
    diff: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  strict,
);

const ExplainBody = Type.Object(
  {
    ip: Type.String({ minLength: 1, maxLength: 100 }),
    method: Type.String({ pattern: "^[A-Z]{3,16}$" }),
    path: Type.String({ pattern: "^/", maxLength: 2_000 }),
    host: Type.Optional(Type.String({ maxLength: 253 })),
  },
  strict,
);

/** A thousand rules with notes. */
const documentBytesMax = 1024 * 1024;

export function addPolicyRoutes(app: HttpServer, policies: PolicyUseCases): void {
  const config = { access: "operator:read" } as const;
  const publishing = { access: "operator:policy" } as const;
  const tags = ["access policy"];

  app.get(
    "/policy",
    { config, schema: { tags, response: { 200: DocumentBody } } },
    async (_request, reply) => {
      const { revision, document } = await policies.current();
      return reply.header("etag", etag(revision)).send(document);
    },
  );

  app.put(
    "/policy",
    {
      config: publishing,
      bodyLimit: documentBytesMax,
      schema: {
        tags,
        body: Type.Unknown({ description: "a policy document: every fault of it is listed in a 422" }),
        querystring: AttributionQuery,
        response: { 200: PublicationBody },
      },
    },
    async (request, reply) => {
      const replaces = ifMatch(request);
      if (replaces === undefined) throw new Refusal(accessErrors.preconditionMissing);
      const published = await policies.publish(request.body, replaces, attributionOf(request));
      return reply.header("etag", etag(published.revision)).send(published);
    },
  );

  app.get(
    "/policy/revisions",
    { config, schema: { tags, querystring: PageQuery, response: { 200: PageBody } } },
    async ({ query: { cursor, limit } }) => {
      const revisions = await policies.page(cursor, limit);
      const last = revisions.length === limit ? revisions.at(-1) : undefined;
      return {
        revisions: revisions.map(toBody),
        nextCursor: last === undefined ? null : String(last.revision),
      };
    },
  );

  app.get(
    "/policy/revisions/:revision",
    {
      config,
      schema: { tags, params: Numbered, querystring: DiffQuery, response: { 200: PublishedBody } },
    },
    async ({ params, query }) => {
      const found = await policies.revision(params.revision);
      const body = { ...toBody(found), document: found.document };
      if (query.diff === undefined) return body;
      const { document } = await policies.revision(query.diff);
      return { ...body, diff: { since: query.diff, ...diffPolicies(document, found.document) } };
    },
  );

  app.post(
    "/policy/revisions/:revision/restore",
    {
      config: publishing,
      schema: { tags, params: Numbered, querystring: AttributionQuery, response: { 200: PublicationBody } },
    },
    async (request, reply) => {
      const attribution = attributionOf(request);
      const published = await policies.restore(request.params.revision, ifMatch(request), attribution);
      return reply.header("etag", etag(published.revision)).send(published);
    },
  );

  const explaining = { tags, body: ExplainBody, response: { 200: ExplanationBody } };
  app.post("/policy/explain", { config, schema: explaining }, async (request) => {
    const { verdict, ...context } = await policies.explain({ host: "", ...request.body });
    return { ...verdict, ...context };
  });
}

/**
 * Whoever has a token of their own goes on record by its name; what they say besides stands behind it. The shared
 * token has no name to speak of, so there the word of its user counts.
 */
function attributionOf(request: {
  readonly operator: AuthenticatedOperator;
  readonly query: Static<typeof AttributionQuery>;
}): Attribution {
  const { name, shared } = request.operator;
  const { author, reason } = request.query;
  if (author === undefined || author === name) return { author: name, reason };
  return { author: shared ? author : `${name} (${author})`.slice(0, authorLengthMax), reason };
}

function etag(revision: number): string {
  return `"${revision}"`;
}

/**
 * The revision of `If-Match: "7"`, also without quotes; undefined without the header. Anything else can't
 * be the revision in force; `*` neither: it would overwrite what its sender has not seen.
 */
function ifMatch(request: FastifyRequest): number | undefined {
  const header = request.headers["if-match"];
  if (header === undefined) return undefined;
  const revision = /^"?(\d{1,15})"?$/.exec(header)?.[1];
  if (revision === undefined) {
    throw new Refusal(accessErrors.revisionStale, { detail: "If-Match takes a single revision number" });
  }
  return Number(revision);
}

function toBody({ revision, author, reason, createdAtMs }: Revision): Static<typeof RevisionBody> {
  return { revision, author, reason, createdAt: new Date(createdAtMs).toISOString() };
}
