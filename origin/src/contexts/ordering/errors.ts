import { defineErrors } from "../../kernel/errors.ts";

export const orderingErrors = defineErrors({
  orderNotFound: { code: "order.not_found", status: 404, title: "You have no such order" },
  productUnknown: {
    code: "order.product_unknown",
    status: 422,
    title: "The order names a product that is not on sale",
  },
  soldOut: {
    code: "order.sold_out",
    status: 409,
    title: "There are not as many pieces left as the order asks for",
  },
  quantityTooLarge: {
    code: "order.quantity_too_large",
    status: 422,
    title: "The order asks for more pieces of one product than an order may have",
  },
  tooManyUnpaid: {
    code: "order.too_many_unpaid",
    status: 409,
    title: "You have as many unpaid orders as one may have",
  },
  currencyMixed: {
    code: "order.currency_mixed",
    status: 422,
    title: "The products of one order must be priced in one currency",
  },
  stepsCrowded: {
    code: "order.steps_crowded",
    status: 429,
    title: "More steps of your orders are asked for at once than one may take",
  },
  crowded: { code: "order.crowded", status: 503, title: "More orders come in than can be taken just now" },
  outcomeUnknown: {
    code: "order.outcome_unknown",
    status: 503,
    title: "It is not known yet whether the order is placed",
  },
  notPayable: { code: "order.not_payable", status: 409, title: "The order cannot be paid in its state" },
  notCancellable: {
    code: "order.not_cancellable",
    status: 409,
    title: "The order cannot be cancelled in its state",
  },
  notRefundable: {
    code: "order.not_refundable",
    status: 409,
    title: "The order cannot be refunded in its state",
  },
  cursorInvalid: {
    code: "order.cursor_invalid",
    status: 422,
    title: "The cursor was not given out by this service",
  },
  keyMalformed: {
    code: "idempotency.key_malformed",
    status: 422,
    title: "An Idempotency-Key has 1 to 255 visible ASCII characters",
  },
  keyReused: {
    code: "idempotency.key_reused",
    status: 422,
    title: "The Idempotency-Key was used for another request",
  },
  keyInFlight: {
    code: "idempotency.in_flight",
    status: 409,
    title: "The first request with this Idempotency-Key is still being worked on",
  },
  paymentDeclined: { code: "payment.declined", status: 402, title: "The payment was declined" },
  confirmationWanted: {
    code: "payment.confirmation_wanted",
    status: 402,
    title: "The bank wants the card's owner to confirm the payment, which cannot be done here",
  },
  paymentInFlight: {
    code: "payment.in_flight",
    status: 409,
    title: "Another attempt to pay is under way, and nobody knows yet what becomes of it",
  },
  methodUnknown: {
    code: "payment.method_unknown",
    status: 422,
    title: "The payment provider takes no such method",
  },
  refundTooLarge: {
    code: "refund.too_large",
    status: 422,
    title: "Less is left of the payment than should go back",
  },
  refundUnknown: { code: "refund.unknown", status: 404, title: "There is no such refund" },
  refundNotFailed: {
    code: "refund.not_failed",
    status: 409,
    title: "Only a refund that failed is tried again",
  },
  keyRequired: {
    code: "idempotency.key_required",
    status: 422,
    title: "To refund a part needs an Idempotency-Key",
  },
  paymentUnknown: { code: "payment.unknown", status: 404, title: "There is no such payment" },
  paymentMismatch: {
    code: "payment.amount_mismatch",
    status: 422,
    title: "The amount or the currency differs from what was asked for",
  },
  providerUnknown: { code: "payment.provider_unknown", status: 404, title: "There is no such provider" },
  signatureInvalid: {
    code: "payment.signature_invalid",
    status: 401,
    title: "The callback is not signed by the payment provider",
  },
  callbackMalformed: { code: "payment.callback_malformed", status: 422, title: "The callback has faults" },
  eventUnknown: {
    code: "order.event_unknown",
    status: 422,
    title: "The Last-Event-ID is none of yours",
  },
  listeningTooOften: {
    code: "order.listening_too_often",
    status: 429,
    title: "You listen to your orders as often as one may",
  },
  listenersTooMany: {
    code: "order.listeners_too_many",
    status: 503,
    title: "As many listen to their orders as this instance serves",
  },
  allotmentClosed: {
    code: "allotment.closed",
    status: 409,
    title: "The pieces that were set aside have gone back to the product",
  },
  allotmentTooSmall: {
    code: "allotment.too_small",
    status: 409,
    title: "More pieces were ordered already than should be set aside",
  },
  stockUnknown: { code: "stock.product_unknown", status: 404, title: "There is no stock of such a product" },
  stockTooLow: {
    code: "stock.too_low",
    status: 409,
    title: "Fewer pieces are available than should be taken away",
  },
  stockTooHigh: { code: "stock.too_high", status: 422, title: "No product has as many pieces as that" },
});
