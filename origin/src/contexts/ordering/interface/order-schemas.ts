import Type from "typebox";

/** Bounded only: what is no id of an order is not found, like an order of somebody else. */
export const OrderParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

export const RefundBody = Type.Object({
  id: Type.String(),
  orderId: Type.String(),
  amountCents: Type.Integer(),
  currency: Type.String(),
  status: Type.Union([
    Type.Literal("DUE"),
    Type.Literal("SENT"),
    Type.Literal("DONE"),
    Type.Literal("FAILED"),
  ]),
  attempt: Type.Integer(),
  reason: Type.String(),
  failure: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String(),
});

const orderFields = {
  id: Type.String(),
  status: Type.Union([
    Type.Literal("CREATED"),
    Type.Literal("PENDING_PAYMENT"),
    Type.Literal("FAILED_PAYMENT"),
    Type.Literal("PAID"),
    Type.Literal("REFUNDING"),
    Type.Literal("REFUNDED"),
    Type.Literal("CANCELLED"),
    Type.Literal("EXPIRED"),
  ]),
  totalCents: Type.Integer(),
  currency: Type.String(),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  lines: Type.Array(
    Type.Object({
      productId: Type.Integer(),
      quantity: Type.Integer(),
      unitPriceCents: Type.Integer(),
    }),
  ),
  /** When there are any. */
  refunds: Type.Optional(Type.Array(RefundBody)),
};

/** An order in answers. */
export const OrderBody = Type.Object(orderFields);

export const RefundedBody = Type.Object({ ...orderFields, refund: RefundBody });

export const OrderPageBody = Type.Object({
  items: Type.Array(OrderBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

const counts = {
  total: Type.Integer(),
  available: Type.Integer(),
  reserved: Type.Integer(),
  sold: Type.Integer(),
};

export const StockBody = Type.Object({ productId: Type.Integer(), ...counts });

export const LedgerBody = Type.Object({
  productId: Type.Integer(),
  stock: Type.Object(counts),
  movements: Type.Array(
    Type.Object({
      id: Type.Integer(),
      kind: Type.Union([
        Type.Literal("RECEIVE"),
        Type.Literal("RESERVE"),
        Type.Literal("RELEASE"),
        Type.Literal("SELL"),
        Type.Literal("RETURN"),
      ]),
      quantity: Type.Integer(),
      orderId: Type.Union([Type.String(), Type.Null()]),
      actor: Type.String(),
      reason: Type.String(),
      at: Type.String(),
    }),
  ),
  nextBefore: Type.Union([Type.Integer(), Type.Null()]),
});
