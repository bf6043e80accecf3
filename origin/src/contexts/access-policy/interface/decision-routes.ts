import { Readable } from "node:stream";
import type { PolicyDocument } from "@sluice/contract/policy/document.ts";
import { isPolicyDocument, policyFaults } from "@sluice/contract/policy/validate.ts";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import { ndjsonMediaType } from "../../../platform/http/ndjson.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { DryRunReport } from "../application/dry-run.ts";
import type { DecisionFilter, DecisionPage } from "../application/list-decisions.ts";
import { accessErrors } from "../errors.ts";

export interface DecisionUseCases {
  list(filter: DecisionFilter, cursor: string | undefined, limit: number): Promise<DecisionPage>;
  /** How many decisions there are to try. */
  recorded(): Promise<number>;
  dryRun(draft: PolicyDocument, sinceMs: number): AsyncIterable<DryRunReport>;
}

const ListQuery = Type.Object({
  action: Type.Optional(Type.Union([Type.Literal("allow"), Type.Literal("deny")])),
  reason: Type.Optional(
    Type.Union(["allow-list", "deny-list", "rule", "default"].map((reason) => Type.Literal(reason))),
  ),
  rule: Type.Optional(Type.String({ maxLength: 64 })),
  country: Type.Optional(Type.String({ pattern: "^[A-Z]{2}$" })),
  method: Type.Optional(Type.String({ pattern: "^[A-Z]{3,16}$" })),
  pathPrefix: Type.Optional(Type.String({ pattern: "^/", maxLength: 200 })),
  cidr: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  cursor: Type.Optional(Type.String({ pattern: "^[0-9]{1,15}-[0-9]{1,10}$" })),
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
});

const DryRunBody = Type.Object(
  { document: Type.Unknown(), since: Type.Optional(Type.String({ format: "date-time" })) },
  { additionalProperties: false },
);

const documentBytesMax = 1024 * 1024;

export function addDecisionRoutes(app: HttpServer, decisions: DecisionUseCases): void {
  const config = { access: "operator" } as const;
  const tags = ["access policy"];

  app.get("/decisions", { config, schema: { tags, querystring: ListQuery } }, async ({ query }) => {
    const { cursor, limit, ...filter } = query;
    const page = await decisions.list(filter as DecisionFilter, cursor, limit);
    return { decisions: page.decisions, nextCursor: page.next ?? null };
  });

  app.post(
    "/policy/dry-run",
    { config, bodyLimit: documentBytesMax, schema: { tags, body: DryRunBody } },
    async (request, reply) => {
      const { document, since } = request.body;
      if (!isPolicyDocument(document)) {
        const faults = policyFaults(document);
        throw new Refusal(accessErrors.policyInvalid, { detail: `${faults.length} to mend`, faults });
      }
      const total = await decisions.recorded();
      const reports = decisions.dryRun(document, since === undefined ? 0 : Date.parse(since));
      if (request.headers.accept === ndjsonMediaType) return sendProgress(reply, reports, total);
      return lastOf(reports);
    },
  );
}

/** Lines `{"done","total"}` while it runs, and at the end one with the `report`. */
function sendProgress(
  reply: FastifyReply,
  reports: AsyncIterable<DryRunReport>,
  total: number,
): FastifyReply {
  return reply.type(ndjsonMediaType).send(Readable.from(progressLines(reports, total)));
}

async function* progressLines(reports: AsyncIterable<DryRunReport>, total: number): AsyncGenerator<string> {
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
