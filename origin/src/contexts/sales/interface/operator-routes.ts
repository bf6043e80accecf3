import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import type { ChangeOfSale } from "../application/administer.ts";
import type { SaleFigures } from "../application/browse-sales.ts";
import type { Fairness } from "../application/fairness.ts";
import { saleLimits } from "../application/limits.ts";
import type { ChangeEntry, SaleChange } from "../application/ports.ts";
import { salesErrors } from "../errors.ts";
import {
  ChangeBody,
  ChangesBody,
  CreateBody,
  FairnessBody,
  FiguresBody,
  SaleBody,
  SaleParams,
  strict,
  usualTerms,
} from "./sale-schemas.ts";

/** A sale, for those who may not know the domain. */
export interface SaleView {
  readonly id: number;
  readonly version: number;
  readonly status: string;
  readonly productId: number;
  readonly priceCents: number;
  readonly currency: string;
  readonly total: number;
  readonly perUserMax: number;
  readonly perSecond: number;
  readonly buyRate: number;
  readonly countries: readonly string[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

type Terms = Omit<SaleView, "id" | "version" | "status" | "currency">;

export interface AdministerSales {
  create(terms: Terms, by: Omit<SaleChange, "nowMs">): Promise<SaleView>;
  change(id: number, version: number, change: ChangeOfSale, by: Omit<SaleChange, "nowMs">): Promise<SaleView>;
  list(afterId: number, limit: number): Promise<SaleView[]>;
  figures(id: number): Promise<SaleFigures & { readonly sale: SaleView }>;
  changes(id: number, before: number, limit: number): Promise<ChangeEntry[]>;
  fairness(id: number): Promise<Fairness>;
}

const ListQuery = Type.Object(
  {
    after: Type.Integer({ minimum: 0, default: 0 }),
    limit: Type.Integer({ minimum: 1, maximum: saleLimits.pageLimitMax, default: 20 }),
  },
  strict,
);

const ChangesQuery = Type.Object(
  {
    before: Type.Integer({ minimum: 1, default: Number.MAX_SAFE_INTEGER }),
    limit: Type.Integer({ minimum: 1, maximum: saleLimits.changesPageMax, default: 20 }),
  },
  strict,
);

const ListBody = Type.Object({
  items: Type.Array(SaleBody),
  nextAfter: Type.Union([Type.Integer(), Type.Null()]),
});

const administering = { access: "operator:catalog" } as const;
const reading = { access: "operator:read" } as const;
const tags = ["flash sales"];

export function addSaleOperatorRoutes(app: HttpServer, sales: AdministerSales): void {
  app.post(
    "/flash-sales",
    { config: administering, schema: { tags, body: CreateBody, response: { 201: SaleBody } } },
    async (request, reply) => {
      const { reason = "", startsAt, endsAt, ...terms } = request.body;
      const times = { startsAtMs: Date.parse(startsAt), endsAtMs: Date.parse(endsAt) };
      const wanted = { ...usualTerms, ...terms, ...times };
      const sale = await sales.create(wanted, { actor: actorOf(request), reason });
      return reply.code(201).header("etag", `"${sale.version}"`).send(bodyOf(sale));
    },
  );

  app.patch(
    "/flash-sales/:id",
    {
      config: administering,
      schema: { tags, params: SaleParams, body: ChangeBody, response: { 200: SaleBody } },
    },
    async (request, reply) => {
      const { reason = "", startsAt, endsAt, ...change } = request.body;
      const times = {
        ...(startsAt === undefined ? {} : { startsAtMs: Date.parse(startsAt) }),
        ...(endsAt === undefined ? {} : { endsAtMs: Date.parse(endsAt) }),
      };
      const by = { actor: actorOf(request), reason };
      const wanted = { ...change, ...times } as ChangeOfSale;
      const sale = await sales.change(request.params.id, ifMatch(request), wanted, by);
      return reply.header("etag", `"${sale.version}"`).send(bodyOf(sale));
    },
  );

  app.get(
    "/flash-sales",
    { config: reading, schema: { tags, querystring: ListQuery, response: { 200: ListBody } } },
    async ({ query: { after, limit } }) => {
      const found = await sales.list(after, limit + 1);
      const items = found.slice(0, limit).map(bodyOf);
      return { items, nextAfter: found.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
  );

  app.get(
    "/flash-sales/:id",
    { config: reading, schema: { tags, params: SaleParams, response: { 200: FiguresBody } } },
    async (request, reply) => {
      const { sale, pieces, waiting, tickets } = await sales.figures(request.params.id);
      return reply
        .header("etag", `"${sale.version}"`)
        .send({ ...bodyOf(sale), pieces: pieces ?? null, waiting: waiting ?? null, tickets: { ...tickets } });
    },
  );

  app.get(
    "/flash-sales/:id/changes",
    {
      config: reading,
      schema: { tags, params: SaleParams, querystring: ChangesQuery, response: { 200: ChangesBody } },
    },
    async ({ params, query: { before, limit } }) => {
      const found = await sales.changes(params.id, before, limit + 1);
      const changes = found.slice(0, limit).map(({ version, actor, reason, nowMs, document }) => ({
        ...{ version, by: actor, reason, at: new Date(nowMs).toISOString() },
        sale: bodyOf(document as SaleView),
      }));
      return { changes, nextBefore: found.length > limit ? (changes.at(-1)?.version ?? null) : null };
    },
  );

  app.get(
    "/flash-sales/:id/fairness",
    { config: reading, schema: { tags, params: SaleParams, response: { 200: FairnessBody } } },
    async (request) => sales.fairness(request.params.id),
  );
}

function bodyOf({ startsAtMs, endsAtMs, countries, ...sale }: SaleView): SaleBody {
  return {
    ...sale,
    countries: [...countries],
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
  } as SaleBody;
}

function actorOf(request: FastifyRequest): string {
  return `operator:${request.operator.name}`.slice(0, 64);
}

/** The version of `If-Match: "7"`, also without quotes. `*` would overwrite what its sender has not seen. */
function ifMatch(request: FastifyRequest): number {
  const header = request.headers["if-match"];
  if (header === undefined) throw new Refusal(salesErrors.versionMissing);
  const version = /^"?(\d{1,15})"?$/.exec(header)?.[1];
  if (version === undefined) {
    throw new Refusal(salesErrors.stale, { detail: "If-Match takes a single version number" });
  }
  return Number(version);
}
