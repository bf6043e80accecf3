import { HEADER_IDEMPOTENCY_KEY } from "@sluice/contract/headers.ts";
import Type from "typebox";
import { Refusal } from "../../../kernel/errors.ts";
import type { HttpServer } from "../../../platform/http/server.ts";
import { orderLimits, paymentLimits, stockLimits } from "../application/limits.ts";
import type { OrderPage } from "../application/list-orders.ts";
import type { OrderView } from "../application/order-view.ts";
import type { PlacedAnswer, PlaceOrder } from "../application/place-order.ts";
import { orderingErrors } from "../errors.ts";
import { OrderBody, OrderPageBody } from "./order-schemas.ts";

/** What the routes can ask for. */
export interface OrderUseCases {
  place(command: PlaceOrder): Promise<PlacedAnswer>;
  list(userId: number, cursor: string | undefined, limit: number): Promise<OrderPage>;
  find(userId: number, orderId: string): Promise<OrderView>;
  /** `decided` is false while the provider has not answered. */
  pay(userId: number, orderId: string, method: string): Promise<{ order: OrderView; decided: boolean }>;
  cancel(userId: number, orderId: string): Promise<OrderView>;
  /** The order is REFUNDING when the provider has not answered yet. */
  refund(userId: number, orderId: string, reason: string): Promise<OrderView>;
}

const strict = { additionalProperties: false };

const PlaceBody = Type.Object(
  {
    lines: Type.Array(
      Type.Object(
        {
          productId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
          quantity: Type.Integer({ minimum: 1, maximum: orderLimits.quantityMax }),
        },
        strict,
      ),
      { minItems: 1, maxItems: orderLimits.linesMax },
    ),
  },
  strict,
);

/** For the API's description; its form is checked below, with an error of its own. */
const PlaceHeaders = Type.Object({
  [HEADER_IDEMPOTENCY_KEY]: Type.Optional(
    Type.String({
      description: `Makes the request repeatable for a day: 1 to ${orderLimits.idempotencyKeyLengthMax} visible ASCII characters`,
    }),
  ),
});

/** Bounded only: what is no id of an order is not found, like an order of somebody else. */
const OrderParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

const ListQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: orderLimits.cursorLengthMax })),
    limit: Type.Integer({
      minimum: 1,
      maximum: orderLimits.pageLimitMax,
      default: orderLimits.pageLimitDefault,
    }),
  },
  strict,
);

/** `POST` without a body is fine. */
const PayBody = Type.Union([
  Type.Object(
    {
      method: Type.Optional(
        Type.String({ pattern: "^[a-z0-9:_-]+$", maxLength: paymentLimits.methodLengthMax }),
      ),
    },
    strict,
  ),
  Type.Null(),
]);

const RefundBody = Type.Union([
  Type.Object(
    { reason: Type.Optional(Type.String({ minLength: 1, maxLength: stockLimits.reasonLengthMax })) },
    strict,
  ),
  Type.Null(),
]);

const NoBody = Type.Union([Type.Object({}, strict), Type.Null()]);

const config = { access: "user" } as const;
const tags = ["ordering"];

export function addOrderRoutes(app: HttpServer, useCases: OrderUseCases): void {
  app.post(
    "/orders",
    { config, schema: { tags, headers: PlaceHeaders, body: PlaceBody, response: { 201: OrderBody } } },
    async (request, reply) => {
      const answer = await useCases.place({
        userId: request.user.id,
        lines: request.body.lines,
        idempotencyKey: idempotencyKeyOf(request.headers[HEADER_IDEMPOTENCY_KEY]),
      });
      if (answer.replayed) reply.header("idempotent-replayed", "true");
      // Text already: a replay must give the same bytes.
      return reply
        .code(answer.status as 201)
        .type("application/json; charset=utf-8")
        .serializer(String)
        .send(answer.body as never);
    },
  );

  app.get(
    "/orders",
    { config, schema: { tags, querystring: ListQuery, response: { 200: OrderPageBody } } },
    async (request) => useCases.list(request.user.id, request.query.cursor, request.query.limit),
  );

  app.get(
    "/orders/:id",
    { config, schema: { tags, params: OrderParams, response: { 200: OrderBody } } },
    async (request) => useCases.find(request.user.id, request.params.id),
  );

  addTransitionRoutes(app, useCases);
}

function addTransitionRoutes(app: HttpServer, useCases: OrderUseCases): void {
  app.post(
    "/orders/:id/pay",
    {
      config,
      schema: { tags, params: OrderParams, body: PayBody, response: { 200: OrderBody, 202: OrderBody } },
    },
    async (request, reply) => {
      const method = request.body?.method ?? "sandbox";
      const { order, decided } = await useCases.pay(request.user.id, request.params.id, method);
      return reply.code(decided ? 200 : 202).send(order);
    },
  );

  app.post(
    "/orders/:id/cancel",
    { config, schema: { tags, params: OrderParams, body: NoBody, response: { 200: OrderBody } } },
    async (request) => useCases.cancel(request.user.id, request.params.id),
  );

  app.post(
    "/orders/:id/refund",
    {
      config,
      schema: { tags, params: OrderParams, body: RefundBody, response: { 200: OrderBody, 202: OrderBody } },
    },
    async (request, reply) => {
      const reason = request.body?.reason ?? "asked for by the customer";
      const order = await useCases.refund(request.user.id, request.params.id, reason);
      return reply.code(order.status === "REFUNDED" ? 200 : 202).send(order);
    },
  );
}

const visibleAscii = new RegExp(`^[\\x21-\\x7e]{1,${orderLimits.idempotencyKeyLengthMax}}$`);

function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && visibleAscii.test(header)) return header;
  throw new Refusal(orderingErrors.keyMalformed);
}
