import { CHALLENGE_LENGTH_MAX, PURCHASE_QUANTITY_MAX } from "@sluice/contract/sale.ts";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { saleLimits } from "../application/limits.ts";
import type { TicketState } from "../application/resolve-ticket.ts";
import { salesErrors } from "../errors.ts";
import { SaleParams, strict, TicketParams } from "./sale-schemas.ts";
import { addTicketEvents } from "./ticket-events.ts";

export interface SaleUseCases {
  /** Answers are JSON text. */
  list(after: number, limit: number): Promise<string>;
  page(id: number): Promise<string>;
  ticket(saleId: number, userId: number, ticket: string): Promise<TicketState>;
}

const ListQuery = Type.Object(
  {
    after: Type.Integer({ minimum: 0, default: 0 }),
    limit: Type.Integer({ minimum: 1, maximum: saleLimits.pageLimitMax, default: 20 }),
  },
  strict,
);

const PurchaseBody = Type.Object(
  {
    challenge: Type.String({
      minLength: 1,
      maxLength: CHALLENGE_LENGTH_MAX,
      description: "from POST /flash-sales/:id/challenges; one purchase each, which may be repeated",
    }),
    quantity: Type.Optional(
      Type.Integer({ minimum: 1, maximum: PURCHASE_QUANTITY_MAX, description: "1 unless given" }),
    ),
  },
  strict,
);

const SalePageBody = Type.Object({
  status: Type.String({ description: "SCHEDULED, OPEN, PAUSED, SOLD_OUT or ENDED" }),
  id: Type.Integer(),
  productId: Type.Integer(),
  priceCents: Type.Integer(),
  currency: Type.String(),
  total: Type.Integer(),
  perUserMax: Type.Integer(),
  countries: Type.Array(Type.String()),
  startsAt: Type.String(),
  endsAt: Type.String(),
  tokenKey: Type.Object({
    kty: Type.String(),
    crv: Type.String(),
    alg: Type.String(),
    kid: Type.String(),
    x: Type.String({ description: "verifies purchase tokens (RFC 8037)" }),
  }),
});

const SaleListBody = Type.Object({
  items: Type.Array(SalePageBody),
  nextAfter: Type.Union([Type.Integer(), Type.Null()]),
});

const ChallengeBody = Type.Object({ challenge: Type.String(), expiresInMs: Type.Integer() });

const TicketBody = Type.Object({
  ticket: Type.String(),
  status: Type.String({ description: "QUEUED, then CONFIRMED, SOLD_OUT, LIMIT or REJECTED" }),
  estimateMs: Type.Optional(Type.Integer({ description: "of QUEUED: about how long it will take" })),
  reason: Type.Optional(
    Type.String({ description: "of REJECTED: ended, lost, late, too_many_unpaid or failed" }),
  ),
  orderId: Type.Optional(Type.String()),
  payUntil: Type.Optional(Type.String()),
  purchaseToken: Type.Optional(Type.String({ description: "a JWT, signed with the sale's `tokenKey`" })),
});

const tags = ["flash sales"];
const open = { access: "public" } as const;
const user = { access: "user" } as const;

/**
 * What buyers ask for. The edge answers most of it from its own memory and from Redis; what reaches the origin is what
 * the edge does not know. Only the edge lets buyers in: those two routes are here to be described.
 */
export function addSaleRoutes(app: HttpServer, sales: SaleUseCases): void {
  app.get(
    "/flash-sales",
    { config: open, schema: { tags, querystring: ListQuery, response: { 200: SaleListBody } } },
    async ({ query }, reply) => json(reply, await sales.list(query.after, query.limit)),
  );
  app.get(
    "/flash-sales/:id",
    { config: open, schema: { tags, params: SaleParams, response: { 200: SalePageBody } } },
    async ({ params }, reply) => json(reply, await sales.page(params.id)),
  );
  app.post(
    "/flash-sales/:id/challenges",
    { config: user, schema: { tags, params: SaleParams, response: { 201: ChallengeBody } } },
    atTheEdgeOnly,
  );
  app.post(
    "/flash-sales/:id/purchases",
    {
      config: user,
      schema: { tags, params: SaleParams, body: PurchaseBody, response: { 202: TicketBody } },
    },
    atTheEdgeOnly,
  );
  app.get(
    "/flash-sales/:id/purchases/:ticket",
    { config: user, schema: { tags, params: TicketParams, response: { 200: TicketBody } } },
    async ({ params, user: { id } }, reply) =>
      json(reply, (await sales.ticket(params.id, id, params.ticket)).text),
  );
  addTicketEvents(app, sales.ticket);
}

async function atTheEdgeOnly(): Promise<never> {
  throw new Refusal(salesErrors.atTheEdgeOnly, { headers: { "retry-after": "1" } });
}

/** Text already, the same to the byte as the edge's. */
function json(reply: FastifyReply, text: string) {
  return reply.type("application/json; charset=utf-8").serializer(String).send(text) as never;
}
