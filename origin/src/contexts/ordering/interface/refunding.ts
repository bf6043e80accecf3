import { HEADER_IDEMPOTENCY_KEY } from "@sluice/contract/headers.ts";
import Type from "typebox";
import { stockLimits } from "../application/limits.ts";
import type { OrderView } from "../application/order-view.ts";
import type { RefundView } from "../application/refund-view.ts";
import { IdempotencyHeaders, idempotencyKeyOf } from "./idempotency-key.ts";
import { RefundedBody } from "./order-schemas.ts";

/** How customers and operators alike ask for a refund, and what they hear. */
export interface RefundedOrder extends OrderView {
  refund: RefundView;
}

export const refundingSchema = {
  headers: IdempotencyHeaders,
  response: { 200: RefundedBody, 202: RefundedBody },
};

export const Reason = Type.String({ minLength: 1, maxLength: stockLimits.reasonLengthMax });

/** A part; all that is left without it. */
export const PartCents = Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }));

export interface AskedRefund {
  orderId: string;
  amountCents: number | undefined;
  idempotencyKey: string | undefined;
}

export function askedRefund(request: {
  params: { id: string };
  headers: { [HEADER_IDEMPOTENCY_KEY]?: string | string[] | undefined };
  body: { amountCents?: number } | null;
}): AskedRefund {
  return {
    orderId: request.params.id,
    amountCents: request.body?.amountCents,
    idempotencyKey: idempotencyKeyOf(request.headers[HEADER_IDEMPOTENCY_KEY]),
  };
}

/** 202 while the provider has not answered yet. */
export function refundedStatus({ refund }: RefundedOrder): 200 | 202 {
  return refund.status === "DONE" ? 200 : 202;
}
