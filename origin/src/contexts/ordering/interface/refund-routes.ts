import { HEADER_IDEMPOTENCY_KEY } from "@sluice/contract/headers.ts";
import Type from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import { paymentLimits, stockLimits } from "../application/limits.ts";
import type { RefundStatusName, RefundView } from "../application/refund-view.ts";
import { IdempotencyHeaders, idempotencyKeyOf } from "./idempotency-key.ts";
import { RefundBody, RefundedBody } from "./order-schemas.ts";
import type { RefundedOrder } from "./payment-routes.ts";

/** What operators can ask for of money that goes back. */
export interface RefundUseCases {
  refund(asked: {
    orderId: string;
    actor: string;
    reason: string;
    amountCents: number | undefined;
    idempotencyKey: string | undefined;
  }): Promise<RefundedOrder>;
  list(status: RefundStatusName, after: string | undefined, limit: number): Promise<RefundView[]>;
  retry(refundId: string): Promise<RefundView>;
}

const strict = { additionalProperties: false };
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

const Wish = Type.Object(
  {
    reason: Type.String({ minLength: 1, maxLength: stockLimits.reasonLengthMax }),
    /** All that is left without it. */
    amountCents: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  },
  strict,
);

const Query = Type.Object(
  {
    status: Type.Union(
      [Type.Literal("DUE"), Type.Literal("SENT"), Type.Literal("DONE"), Type.Literal("FAILED")],
      { default: "FAILED" },
    ),
    after: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    limit: Type.Integer({ minimum: 1, maximum: paymentLimits.refundsPageMax, default: 50 }),
  },
  strict,
);

const tags = ["ordering"];
const config = { access: "operator:orders" } as const;

export function addRefundRoutes(app: HttpServer, useCases: RefundUseCases): void {
  app.post(
    "/orders/:id/refund",
    {
      config,
      schema: {
        tags,
        params: Params,
        headers: IdempotencyHeaders,
        body: Wish,
        response: { 200: RefundedBody, 202: RefundedBody },
      },
    },
    async (request, reply) => {
      const answer = await useCases.refund({
        orderId: request.params.id,
        actor: `operator:${request.operator.name}`,
        reason: request.body.reason,
        amountCents: request.body.amountCents,
        idempotencyKey: idempotencyKeyOf(request.headers[HEADER_IDEMPOTENCY_KEY]),
      });
      return reply.code(answer.refund.status === "DONE" ? 200 : 202).send(answer);
    },
  );

  app.get(
    "/refunds",
    {
      config,
      schema: {
        tags,
        querystring: Query,
        response: { 200: Type.Object({ refunds: Type.Array(RefundBody) }) },
      },
    },
    async ({ query }) => ({ refunds: await useCases.list(query.status, query.after, query.limit) }),
  );

  app.post(
    "/refunds/:id/retry",
    { config, schema: { tags, params: Params, response: { 200: RefundBody } } },
    async (request) => useCases.retry(request.params.id),
  );
}
