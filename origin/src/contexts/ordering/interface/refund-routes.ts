import Type from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import { paymentLimits } from "../application/limits.ts";
import type { RefundStatusName, RefundView } from "../application/refund-view.ts";
import { RefundBody } from "./order-schemas.ts";
import {
  type AskedRefund,
  askedRefund,
  PartCents,
  Reason,
  type RefundedOrder,
  refundedStatus,
  refundingSchema,
} from "./refunding.ts";

/** What operators can ask for of money that goes back. */
export interface RefundUseCases {
  refund(asked: AskedRefund & { actor: string; reason: string }): Promise<RefundedOrder>;
  list(status: RefundStatusName, after: string | undefined, limit: number): Promise<RefundView[]>;
  retry(refundId: string): Promise<RefundView>;
}

const strict = { additionalProperties: false };
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

const Wish = Type.Object({ reason: Reason, amountCents: PartCents }, strict);

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
    { config, schema: { tags, params: Params, body: Wish, ...refundingSchema } },
    async (request, reply) => {
      const actor = `operator:${request.operator.name}`;
      const answer = await useCases.refund({ ...askedRefund(request), actor, reason: request.body.reason });
      return reply.code(refundedStatus(answer)).send(answer);
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
