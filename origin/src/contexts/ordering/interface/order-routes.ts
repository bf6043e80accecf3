import { HEADER_IDEMPOTENCY_KEY } from "@sluice/contract/headers.ts";
import Type from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import { orderLimits } from "../application/limits.ts";
import type { OrderPage } from "../application/list-orders.ts";
import type { OrderView } from "../application/order-view.ts";
import type { PlacedAnswer, PlaceOrder } from "../application/place-order.ts";
import { IdempotencyHeaders, idempotencyKeyOf } from "./idempotency-key.ts";
import { OrderBody, OrderPageBody, OrderParams } from "./order-schemas.ts";

/** What the routes can ask for. */
export interface OrderUseCases {
  place(command: PlaceOrder): Promise<PlacedAnswer>;
  list(userId: number, cursor: string | undefined, limit: number): Promise<OrderPage>;
  find(userId: number, orderId: string): Promise<OrderView>;
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

const config = { access: "user" } as const;
const tags = ["ordering"];

export function addOrderRoutes(app: HttpServer, useCases: OrderUseCases): void {
  app.post(
    "/orders",
    { config, schema: { tags, headers: IdempotencyHeaders, body: PlaceBody, response: { 201: OrderBody } } },
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
}
