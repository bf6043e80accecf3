import Type from "typebox";
import type { HttpServer } from "../../../platform/http/server.ts";
import { paymentLimits } from "../application/limits.ts";
import type { OrderView } from "../application/order-view.ts";
import { OrderBody, OrderParams } from "./order-schemas.ts";
import {
  type AskedRefund,
  askedRefund,
  PartCents,
  Reason,
  type RefundedOrder,
  refundedStatus,
  refundingSchema,
} from "./refunding.ts";

/** What ends an order's waiting for money, one way or the other, or undoes it. */
export interface PaymentUseCases {
  /** `decided` is false while the provider has not answered. `method` is undefined for the provider's own. */
  pay(
    userId: number,
    orderId: string,
    method: string | undefined,
  ): Promise<{ order: OrderView; decided: boolean }>;
  cancel(userId: number, orderId: string): Promise<OrderView>;
  /** The refund is not DONE when the provider has not answered yet. */
  refund(asked: AskedRefund & { userId: number; reason: string }): Promise<RefundedOrder>;
}

const strict = { additionalProperties: false };

/** `POST` without a body is fine. */
const PayBody = Type.Union([
  Type.Object(
    {
      method: Type.Optional(
        Type.String({ pattern: "^[A-Za-z0-9:_-]+$", maxLength: paymentLimits.methodLengthMax }),
      ),
    },
    strict,
  ),
  Type.Null(),
]);

const RefundWish = Type.Union([
  Type.Object({ reason: Type.Optional(Reason), amountCents: PartCents }, strict),
  Type.Null(),
]);

const NoBody = Type.Union([Type.Object({}, strict), Type.Null()]);

const config = { access: "user" } as const;
const tags = ["ordering"];
const params = OrderParams;

export function addPaymentRoutes(app: HttpServer, useCases: PaymentUseCases): void {
  app.post(
    "/orders/:id/pay",
    { config, schema: { tags, params, body: PayBody, response: { 200: OrderBody, 202: OrderBody } } },
    async (request, reply) => {
      const { order, decided } = await useCases.pay(request.user.id, request.params.id, request.body?.method);
      return reply.code(decided ? 200 : 202).send(order);
    },
  );

  app.post(
    "/orders/:id/cancel",
    { config, schema: { tags, params, body: NoBody, response: { 200: OrderBody } } },
    async (request) => useCases.cancel(request.user.id, request.params.id),
  );

  app.post(
    "/orders/:id/refund",
    { config, schema: { tags, params, body: RefundWish, ...refundingSchema } },
    async (request, reply) => {
      const reason = request.body?.reason ?? "asked for by the customer";
      const answer = await useCases.refund({ ...askedRefund(request), userId: request.user.id, reason });
      return reply.code(refundedStatus(answer)).send(answer);
    },
  );
}
