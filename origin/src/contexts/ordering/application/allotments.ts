import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import { multiplyCents } from "../../../kernel/money.ts";
import type { Allotment } from "../domain/allotment.ts";
import type { Order } from "../domain/order.ts";
import { orderingErrors } from "../errors.ts";
import type { Change, OrderTransaction } from "./ports.ts";
import { writeOrders } from "./write-orders.ts";

/** So many pieces are to be set aside in all. */
export interface WantedAllotment {
  readonly id: number;
  readonly productId: number;
  readonly total: number;
}

/** An order that somebody wants from an allotment, at a price that was settled elsewhere. */
export interface WantedOrder {
  readonly userId: number;
  readonly quantity: number;
  readonly unitPriceCents: number;
  readonly currency: string;
  /** For the order's history. */
  readonly reason: string;
}

export type PlacedFromAllotment =
  | { readonly outcome: "placed"; readonly orderId: string; readonly expiresAtMs: number }
  | { readonly outcome: "sold-out" | "closed" | "too-many-unpaid" };

/** A transaction of the platform, in which another context writes its own rows and ordering takes part. */
export interface SharedTransaction {
  readonly inTransaction: true;
}

/** Pieces that are set aside, as ordering offers them to other contexts: each in the caller's own transaction. */
export interface Allotments {
  /**
   * Sets pieces aside, or more, or gives some back that nobody has ordered: there are `total` in all then. Doing it
   * again changes nothing. Refused when the product has not as many, or when more were ordered already.
   */
  set(tx: SharedTransaction, wanted: WantedAllotment, change: Change): Promise<void>;
  /** What nobody has ordered goes back to the product, now, and what orders give back from now on. */
  close(tx: SharedTransaction, id: number, change: Change): Promise<void>;
  /** Places orders, who comes first first; a verdict for each. */
  place(
    tx: SharedTransaction,
    id: number,
    wanted: readonly WantedOrder[],
    change: { readonly nowMs: number },
  ): Promise<PlacedFromAllotment[]>;
}

export function createAllotmentUse({
  newId,
  ttlMs,
  unpaidMax,
}: {
  newId: NewId;
  /** For so long orders may be unpaid. */
  ttlMs: number;
  unpaidMax: number;
}) {
  return { set, close, place };

  /**
   * Places orders, who comes first first: under the locks of the buyers and then of the allotment, so that the verdicts
   * are final. They are written as all orders are; what they move is reserved already.
   */
  async function place(
    tx: OrderTransaction,
    id: number,
    wanted: readonly WantedOrder[],
    { nowMs }: { readonly nowMs: number },
  ): Promise<PlacedFromAllotment[]> {
    const userIds = [...new Set(wanted.map(({ userId }) => userId))].sort((a, b) => a - b);
    const unpaid = new Map(await tx.lockUnpaid(userIds));
    const [allotment] = await tx.lockAllotments([id]);
    if (allotment === undefined || allotment.closedAtMs !== undefined) {
      return wanted.map(() => ({ outcome: "closed" }));
    }
    let { available } = allotment;
    const placed: { order: Order; messageId: string; change: Change }[] = [];
    const verdicts = wanted.map((want): PlacedFromAllotment => {
      if (want.quantity > available) return { outcome: "sold-out" };
      const own = unpaid.get(want.userId) ?? 0;
      if (own >= unpaidMax) return { outcome: "too-many-unpaid" };
      unpaid.set(want.userId, own + 1);
      available -= want.quantity;
      const order = orderOf(want, allotment, { id: newId(), createdAtMs: nowMs, expiresAtMs: nowMs + ttlMs });
      const change = { actor: `user:${want.userId}`, reason: want.reason, nowMs };
      placed.push({ order, messageId: newId(), change });
      return { outcome: "placed", orderId: order.id, expiresAtMs: order.expiresAtMs };
    });
    const quantity = allotment.available - available;
    if (quantity === 0) return verdicts;
    const change = { actor: `allotment:${id}`, reason: "ordered", nowMs };
    // What the orders reserve is what the allotment lets go: the stock stays as it is.
    const { productId } = allotment;
    await tx.appendMovements([{ productId, quantity, kind: "RELEASE", orderId: undefined, change }]);
    await writeOrders(tx, placed);
    await tx.saveAllotment({ ...allotment, available });
    return verdicts;
  }
}

function orderOf(
  { userId, quantity, unitPriceCents, currency }: WantedOrder,
  { id: allotmentId, productId }: Allotment,
  own: Pick<Order, "id" | "createdAtMs" | "expiresAtMs">,
): Order {
  return {
    ...own,
    userId,
    status: "PENDING_PAYMENT",
    totalCents: multiplyCents(unitPriceCents, quantity),
    currency,
    lines: [{ productId, quantity, unitPriceCents }],
    allotmentId,
  };
}

async function set(tx: OrderTransaction, { id, productId, total }: WantedAllotment, change: Change) {
  const fresh: Allotment = {
    ...{ id, productId, total: 0, available: 0, putBack: 0, returned: 0 },
    closedAtMs: undefined,
    version: 1,
  };
  await tx.insertAllotment(fresh);
  const [held] = await tx.lockAllotments([id]);
  if (held === undefined || held.closedAtMs !== undefined) throw new Refusal(orderingErrors.allotmentClosed);
  const quantity = total - held.total;
  if (quantity === 0) return;
  if (held.available + quantity < 0) {
    throw new Refusal(orderingErrors.allotmentTooSmall, {
      detail: `at least ${held.total - held.available} pieces`,
    });
  }
  await tx.saveAllotment({ ...held, total, available: held.available + quantity });
  const kind = quantity > 0 ? "RESERVE" : "RELEASE";
  const moving = [{ productId: held.productId, quantity: Math.abs(quantity) }];
  if (!(await tx.moveStock(kind, moving))) throw new Refusal(orderingErrors.stockTooLow);
  await tx.appendMovements(moving.map((piece) => ({ ...piece, kind, orderId: undefined, change })));
}

async function close(tx: OrderTransaction, id: number, change: Change) {
  const [held] = await tx.lockAllotments([id]);
  if (held === undefined || held.closedAtMs !== undefined) return;
  const { productId, available: quantity } = held;
  const returned = held.returned + quantity;
  await tx.saveAllotment({ ...held, available: 0, returned, closedAtMs: change.nowMs });
  if (quantity === 0) return;
  if (!(await tx.moveStock("RELEASE", [{ productId, quantity }]))) {
    throw new Error(`the stock of product ${productId} holds less than is set aside`);
  }
  await tx.appendMovements([{ productId, quantity, kind: "RELEASE", orderId: undefined, change }]);
}
