import { Readable } from "node:stream";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import { isPolicyDocument, policyFaults } from "@sluice/contract/policy/validate.ts";
import type { FastifyReply } from "fastify";
import Type, { type Static } from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import { type NdjsonLine, ndjsonMediaType, readNdjson } from "../../../platform/http/ndjson.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { DryRunReport, GivenRequest } from "../application/dry-run.ts";
import type { DecisionFilter, DecisionPage } from "../application/list-decisions.ts";
import { accessErrors } from "../errors.ts";
import { DecisionsBody, DryRunLines, DryRunReportBody } from "./decision-schemas.ts";

export interface DecisionUseCases {
  list(filter: DecisionFilter, cursor: string | undefined, limit: number): Promise<DecisionPage>;
  /** How many decisions there are to try. */
  recorded(): Promise<number>;
  dryRun(draft: PolicyDocument, sinceMs: number): AsyncIterable<DryRunReport>;
  /** Of requests from somewhere else, an access log for one; without a country it is looked up. */
  dryRunOf(
    draft: PolicyDocument,
    batches: AsyncIterable<readonly GivenRequest[]>,
  ): AsyncIterable<DryRunReport>;
}

const ListQuery = Type.Object(
  {
    action: Type.Optional(Type.Union([Type.Literal("allow"), Type.Literal("deny")])),
    reason: Type.Optional(
      Type.Union(
        ["allow-list", "deny-list", "rule", "default", "limit"].map((reason) => Type.Literal(reason)),
      ),
    ),
    rule: Type.Optional(Type.String({ maxLength: 64 })),
    country: Type.Optional(Type.String({ pattern: "^[A-Z]{2}$" })),
    method: Type.Optional(Type.String({ pattern: "^[A-Z]{3,16}$" })),
    pathPrefix: Type.Optional(Type.String({ pattern: "^/", maxLength: 200 })),
    cidr: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    cursor: Type.Optional(Type.String({ pattern: "^[0-9]{1,15}-[0-9]{1,10}$" })),
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  },
  { additionalProperties: false },
);

const DryRunBody = Type.Object(
  { document: Type.Unknown(), since: Type.Optional(Type.String({ format: "date-time" })) },
  { additionalProperties: false },
);

/** An upload says `{"document": …}` on its first line, and a request on each line after it. */
const UploadLine = Type.Object({
  document: Type.Optional(Type.Unknown()),
  ip: Type.Optional(Type.String({ maxLength: 100 })),
  method: Type.Optional(Type.String({ maxLength: 32 })),
  path: Type.Optional(Type.String()),
  host: Type.Optional(Type.String({ maxLength: 253 })),
  country: Type.Optional(Type.String({ pattern: "^[A-Z]{2}$" })),
  /** When it came; without it limits aren't tried. */
  at: Type.Optional(Type.String({ format: "date-time" })),
});

const uploadBatchSize = 5_000;
const documentBytesMax = 1024 * 1024;

export function addDecisionRoutes(app: HttpServer, decisions: DecisionUseCases): void {
  const config = { access: "operator:read" } as const;
  const tags = ["access policy"];

  const listing = { tags, querystring: ListQuery, response: { 200: DecisionsBody } };
  app.get("/decisions", { config, schema: listing }, async ({ query }) => {
    const { cursor, limit, ...filter } = query;
    const page = await decisions.list(filter as DecisionFilter, cursor, limit);
    return { decisions: page.decisions, nextCursor: page.next ?? null };
  });

  app.post(
    "/policy/dry-run",
    {
      config,
      bodyLimit: documentBytesMax,
      schema: {
        tags,
        body: {
          content: {
            "application/json": { schema: DryRunBody },
            [ndjsonMediaType]: { schema: Type.Unknown() },
          },
        },
        response: {
          200: {
            content: {
              "application/json": { schema: DryRunReportBody },
              [ndjsonMediaType]: { schema: DryRunLines },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const wantsProgress = request.headers.accept === ndjsonMediaType;
      const body = request.body as Readable | Static<typeof DryRunBody>;
      if (body instanceof Readable) {
        const lines = readNdjson(body, UploadLine, documentBytesMax);
        const reports = decisions.dryRunOf(await draftOnFirst(lines), batchesOf(lines));
        return wantsProgress ? sendProgress(reply, reports, null) : lastOf(reports);
      }
      const total = await decisions.recorded();
      const sinceMs = body.since === undefined ? 0 : Date.parse(body.since);
      const reports = decisions.dryRun(soundDraft(body.document), sinceMs);
      return wantsProgress ? sendProgress(reply, reports, total) : lastOf(reports);
    },
  );
}

type UploadLines = AsyncGenerator<NdjsonLine<Static<typeof UploadLine>>>;

async function draftOnFirst(lines: UploadLines): Promise<PolicyDocument> {
  const { value: first } = await lines.next();
  return soundDraft(first !== undefined && "value" in first ? first.value.document : undefined);
}

function soundDraft(document: unknown): PolicyDocument {
  if (isPolicyDocument(document)) return document;
  const faults = policyFaults(document);
  throw new Refusal(accessErrors.policyInvalid, { detail: `${faults.length} to mend`, faults });
}

/** A line that is not understood has no address, and is counted as skipped. */
async function* batchesOf(lines: UploadLines): AsyncGenerator<GivenRequest[]> {
  let batch: GivenRequest[] = [];
  for await (const line of lines) {
    const { ip = "", method = "GET", path = "/", host = "", country, at } = "value" in line ? line.value : {};
    batch.push({ ip, method, path, host, country, atMs: at === undefined ? undefined : Date.parse(at) });
    if (batch.length < uploadBatchSize) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

/** Lines `{"done","total"}` while it runs, and at the end one with the `report`. An upload's total nobody knows. */
function sendProgress(
  reply: FastifyReply,
  reports: AsyncIterable<DryRunReport>,
  total: number | null,
): FastifyReply {
  return reply.type(ndjsonMediaType).send(Readable.from(progressLines(reports, total)));
}

async function* progressLines(
  reports: AsyncIterable<DryRunReport>,
  total: number | null,
): AsyncGenerator<string> {
  let report: DryRunReport | undefined;
  for await (report of reports) {
    yield `${JSON.stringify({ done: report.requests + report.skipped, total })}\n`;
  }
  yield `${JSON.stringify({ report })}\n`;
}

async function lastOf(reports: AsyncIterable<DryRunReport>): Promise<DryRunReport | undefined> {
  let last: DryRunReport | undefined;
  for await (const report of reports) last = report;
  return last;
}
