import { Refusal } from "../../../kernel/errors.ts";
import type { Priced } from "../domain/order.ts";
import { orderingErrors } from "../errors.ts";
import { orderLimits } from "./limits.ts";

/** A refusal says that a service is away: that is everybody's trouble, not that of the order at hand. */
export function unlessRefused(error: unknown): unknown {
  if (error instanceof Refusal) throw error;
  return error;
}

// What somebody hears whose order is not placed.

export function inFlight(): Refusal {
  return new Refusal(orderingErrors.keyInFlight, { headers: { "retry-after": "1" } });
}

export function outcomeUnknown(hasKey: boolean): Refusal {
  return new Refusal(orderingErrors.outcomeUnknown, {
    detail: hasKey
      ? "repeat the request with the same Idempotency-Key"
      : "look at your orders before you ask for it again; an Idempotency-Key would make it repeatable",
    headers: { "retry-after": "1" },
  });
}

/** Of a product or a buyer, by another transaction, for longer than orders wait. */
export function rowHeld(): Refusal {
  return new Refusal(orderingErrors.crowded, {
    detail: "another transaction holds what this order needs",
    headers: { "retry-after": "1" },
  });
}

export function soldOut(productId: number): Refusal {
  return new Refusal(orderingErrors.soldOut, {
    detail: `product ${productId} is sold out, or nearly`,
    members: { productId },
  });
}

export function tooManyUnpaid(unpaidMax: number): Refusal {
  return new Refusal(orderingErrors.tooManyUnpaid, {
    detail: `at most ${unpaidMax} orders may be unpaid at a time`,
    members: { unpaidMax },
  });
}

export function notPriced(priced: Exclude<Priced, { outcome: "priced" }>): Refusal {
  switch (priced.outcome) {
    case "product-unknown":
      return new Refusal(orderingErrors.productUnknown, {
        detail: `not on sale: ${priced.productIds.map((id) => `product ${id}`).join(", ")}`,
        members: { productIds: priced.productIds },
      });
    case "currency-mixed":
      return new Refusal(orderingErrors.currencyMixed, { detail: priced.currencies.join(", ") });
    case "quantity-too-large":
      return new Refusal(orderingErrors.quantityTooLarge, {
        detail: `${priced.quantity} pieces of product ${priced.productId}, at most ${orderLimits.quantityMax}`,
        members: { productId: priced.productId },
      });
  }
}
