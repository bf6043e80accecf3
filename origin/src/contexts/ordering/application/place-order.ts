import { createHash } from "node:crypto";
import type { Clock } from "../../../kernel/clock.ts";
import { Refusal } from "../../../kernel/errors.ts";
import type { NewId } from "../../../kernel/ids.ts";
import { mergeLines, type Order, type Priced, priceLines, type RequestedLine } from "../domain/order.ts";
import { orderingErrors } from "../errors.ts";
import { orderLimits } from "./limits.ts";
import { orderView } from "./order-view.ts";
import type { Change, KeptAnswer, OrderBook, OrderTransaction, ProductDirectory } from "./ports.ts";

export interface PlaceOrder {
  readonly userId: number;
  readonly lines: readonly RequestedLine[];
  readonly idempotencyKey: string | undefined;
}

/** As text: a replay gives the same bytes. */
export interface PlacedAnswer {
  readonly status: number;
  readonly body: string;
  readonly replayed: boolean;
}

/**
 * Places an order in one transaction: the key with its answer, the order, its expiry message, and last the
 * stock, by conditional updates in the order of product ids. Last, because a hot product's row is what
 * everybody waits for: so it is held for one statement and the commit, not for the whole transaction.
 *
 * Only an order that was placed is kept under its key. A refusal writes nothing, so the same key may try
 * again.
 */
export function createPlaceOrder(deps: {
  book: OrderBook;
  products: ProductDirectory;
  clock: Clock;
  newId: NewId;
  orderTtlMs: number;
}) {
  const { book, products, clock, newId, orderTtlMs } = deps;

  return async (command: PlaceOrder): Promise<PlacedAnswer> => {
    const nowMs = clock();
    const lines = mergeLines(command.lines);
    const fingerprint = fingerprintOf(lines);
    const { userId, idempotencyKey: key } = command;

    const productIds = lines.map((line) => line.productId);
    const [prices, available] = await Promise.all([
      products.findPrices(productIds),
      book.peekAvailable(productIds),
    ]);
    const priced = priceLines(lines, prices, orderLimits.quantityMax);
    const refusal = priced.outcome === "priced" ? soldOutAmong(lines, available) : refusalOf(priced);
    if (priced.outcome !== "priced" || refusal !== undefined) {
      // The first request may have come through before the product was sold out, or taken off the shop.
      const notBeforeMs = nowMs - orderLimits.idempotencyTtlMs;
      const kept = key === undefined ? undefined : await book.findAnswer(userId, key, notBeforeMs);
      if (kept !== undefined) return replay(kept, fingerprint);
      throw refusal;
    }

    const order: Order = {
      id: newId(),
      userId,
      status: "PENDING_PAYMENT",
      totalCents: priced.totalCents,
      currency: priced.currency,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + orderTtlMs,
      lines: priced.lines,
    };
    const body = JSON.stringify(orderView(order));
    const answer: KeptAnswer = { fingerprint, orderId: order.id, status: 201, body, createdAtMs: nowMs };
    const messageId = newId();
    const change: Change = { actor: `user:${userId}`, reason: "placed", nowMs };

    return book.transaction(async (tx) => {
      if (key !== undefined) {
        const kept = await claimKey(tx, userId, key, answer);
        if (kept !== undefined) return replay(kept, fingerprint);
      }
      await writeOrder(tx, order, change, messageId);
      return { status: answer.status, body, replayed: false };
    });
  };
}

/** Undefined when the key is ours now; else the answer that it has got before. */
async function claimKey(
  tx: OrderTransaction,
  userId: number,
  key: string,
  answer: KeptAnswer,
): Promise<KeptAnswer | undefined> {
  const kept = await tx.lockAnswer(userId, key);
  if (kept === "in-flight") throw inFlight();
  if (kept !== undefined) {
    if (kept.createdAtMs > answer.createdAtMs - orderLimits.idempotencyTtlMs) return kept;
    await tx.dropAnswer(userId, key);
  }
  if (await tx.keepAnswer(userId, key, answer)) return undefined;
  const meanwhile = await tx.lockAnswer(userId, key);
  if (meanwhile === undefined || meanwhile === "in-flight") throw inFlight();
  return meanwhile;
}

function inFlight(): Refusal {
  return new Refusal(orderingErrors.keyInFlight, { headers: { "retry-after": "1" } });
}

/**
 * By what was committed a moment ago: most of a crowd comes too late, and is refused before anything is
 * written or locked. Whoever passes is decided on by the update itself.
 */
function soldOutAmong(
  lines: readonly RequestedLine[],
  available: ReadonlyMap<number, number>,
): Refusal | undefined {
  const short = lines.find(({ productId, quantity }) => (available.get(productId) ?? 0) < quantity);
  return short === undefined ? undefined : soldOut(short.productId);
}

async function writeOrder(
  tx: OrderTransaction,
  order: Order,
  change: Change,
  messageId: string,
): Promise<void> {
  await tx.insertOrder(order);
  await tx.appendHistory([
    { orderId: order.id, from: undefined, to: "CREATED", change },
    { orderId: order.id, from: "CREATED", to: "PENDING_PAYMENT", change },
  ]);
  await tx.scheduleExpiry(order, messageId);
  await tx.appendMovements(
    order.lines.map((line) => ({ ...line, kind: "RESERVE", orderId: order.id, change })),
  );
  for (const line of order.lines) {
    if (!(await tx.moveStock(line.productId, "RESERVE", line.quantity))) throw soldOut(line.productId);
  }
}

function replay(kept: KeptAnswer, fingerprint: string): PlacedAnswer {
  if (kept.fingerprint !== fingerprint) throw new Refusal(orderingErrors.keyReused);
  return { status: kept.status, body: kept.body, replayed: true };
}

/** Of what the request means, so that white space or the order of lines don't matter. */
function fingerprintOf(lines: readonly RequestedLine[]): string {
  return createHash("sha256")
    .update(`POST /orders ${JSON.stringify(lines)}`)
    .digest("hex");
}

function soldOut(productId: number): Refusal {
  return new Refusal(orderingErrors.soldOut, {
    detail: `product ${productId} is sold out, or nearly`,
    members: { productId },
  });
}

function refusalOf(priced: Exclude<Priced, { outcome: "priced" }>): Refusal {
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
