import Type from "typebox";

/** An order in answers. */
export const OrderBody = Type.Object({
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
});

export const OrderPageBody = Type.Object({
  items: Type.Array(OrderBody),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

export const StockBody = Type.Object({
  productId: Type.Integer(),
  total: Type.Integer(),
  available: Type.Integer(),
  reserved: Type.Integer(),
  sold: Type.Integer(),
});
