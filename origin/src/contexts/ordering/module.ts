import { readFileSync } from "node:fs";
import type { ChannelModel } from "amqplib";
import type { WorkerConfig } from "../../config.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { NewId } from "../../kernel/ids.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Database } from "../../platform/mysql/database.ts";
import { repeat } from "../../platform/repeat.ts";
import { adjustStock, openStock } from "./application/adjust-stock.ts";
import { createCancelOrder } from "./application/cancel-order.ts";
import { createExpireOrders } from "./application/expire-orders.ts";
import { expiryLimits, orderLimits, paymentLimits } from "./application/limits.ts";
import { findOrder, listOrders } from "./application/list-orders.ts";
import { orderView } from "./application/order-view.ts";
import { createPayOrder } from "./application/pay-order.ts";
import { createPlaceOrder } from "./application/place-order.ts";
import type { OrderBook, ProductDirectory } from "./application/ports.ts";
import { createReceiveCallback } from "./application/receive-callback.ts";
import { createReconcilePayments } from "./application/reconcile-payments.ts";
import { createFinishRefund, createRefundOrder } from "./application/refund-order.ts";
import { createSettlePayment } from "./application/settle-payment.ts";
import { stockDocument } from "./application/stock-document.ts";
import { expiryConsumer } from "./infrastructure/expiry-consumer.ts";
import { expiryLane } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn } from "./infrastructure/order-book.ts";
import { sandboxProvider } from "./infrastructure/sandbox-provider.ts";
import { addCallbackRoute } from "./interface/callback-route.ts";
import { addOrderRoutes } from "./interface/order-routes.ts";
import { addStockRoutes } from "./interface/stock-routes.ts";
import type { StockOf } from "./public.ts";

export { orderingAudits } from "./infrastructure/audits.ts";
export { stockTable } from "./infrastructure/stock-projection.ts";

export interface OrderingDependencies {
  readonly config: Pick<
    WorkerConfig,
    "orderTtlSeconds" | "orderUnpaidMax" | "paymentsUrl" | "paymentsSecretFile" | "paymentsCallbackUrl"
  >;
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: Logger;
}

export interface Ordering {
  addRoutes(app: HttpServer): void;
  addOperatorRoutes(app: HttpServer): void;
}

/** What the api does of ordering. */
export function createOrdering(given: OrderingDependencies & { products: ProductDirectory }): Ordering {
  const { config, clock, newId, products } = given;
  const { book, provider, settle, finishRefund } = paymentsOn(given);
  const orderTtlMs = config.orderTtlSeconds * 1_000;
  const unpaidMax = config.orderUnpaidMax;
  const pay = createPayOrder({ book, provider, settle, clock, newId });
  const cancel = createCancelOrder({ book, clock });
  const refund = createRefundOrder({ book, provider, finishRefund, clock });
  return {
    addRoutes: (app) => {
      addOrderRoutes(app, {
        place: createPlaceOrder({ book, products, clock, newId, orderTtlMs, unpaidMax }),
        list: (userId, cursor, limit) => listOrders(book, userId, cursor, limit),
        find: (userId, orderId) => findOrder(book, userId, orderId),
        pay: async (userId, orderId, method) => {
          const { outcome, order } = await pay({ userId, orderId, method });
          return { order: orderView(order), decided: outcome === "paid" };
        },
        cancel: async (userId, orderId) => orderView(await cancel({ userId, orderId })),
        refund: async (userId, orderId, reason) => orderView(await refund({ userId, orderId, reason })),
      });
      addCallbackRoute(app, createReceiveCallback({ provider, settle, clock }));
    },
    addOperatorRoutes: (app) =>
      addStockRoutes(app, (productId, delta, reason) =>
        adjustStock(book, productId, delta, { actor: "operator", reason, nowMs: clock() }),
      ),
  };
}

/** Stock for the catalog, which needs nothing else of ordering. */
export function createStockOf({
  database,
  clock,
}: Pick<OrderingDependencies, "database" | "clock">): StockOf {
  // No orders are placed through this one, so its lane is never used.
  const book = orderBookIn(database, expiryLane(1));
  return {
    document: async (productId) => {
      const stock = await book.findStock(productId);
      return stock === undefined ? undefined : stockDocument(stock);
    },
    open: async (productId, quantity, by) =>
      stockDocument(await openStock(book, productId, quantity, { ...by, nowMs: clock() })),
  };
}

export interface OrderingWorker {
  /** For the worker's connection to RabbitMQ, after each connect. */
  onRabbitConnect(model: ChannelModel): Promise<void>;
  close(): Promise<void>;
}

/** What the worker does of ordering: consumes what falls due, sweeps, reconciles, prunes. */
export function startOrderingWorker(given: OrderingDependencies): OrderingWorker {
  const { config, clock, logger } = given;
  const { book, provider, settle, finishRefund } = paymentsOn(given);
  const expire = createExpireOrders({ book, clock });
  const reconcile = createReconcilePayments({ book, provider, settle, finishRefund, clock });
  const consumer = expiryConsumer({ expire, lane: expiryLane(config.orderTtlSeconds), logger });
  const repeated = [
    repeat(
      "sweep expired orders",
      () => expiryLimits.sweepIntervalMs,
      async () => void (await expire.sweep()),
      logger,
    ),
    repeat(
      "reconcile payments",
      () => paymentLimits.reconcileIntervalMs,
      async () => void (await reconcile()),
      logger,
    ),
    repeat(
      "prune idempotency keys",
      () => orderLimits.idempotencyPruneIntervalMs,
      () => prune(book, clock),
      logger,
    ),
  ];
  return {
    onRabbitConnect: consumer.onConnect,
    close: async () => {
      await consumer.close();
      await Promise.all(repeated.map((one) => one.close()));
    },
  };
}

function paymentsOn({ config, database, clock, logger }: OrderingDependencies) {
  const book = orderBookIn(database, expiryLane(config.orderTtlSeconds));
  const provider = sandboxProvider({
    url: config.paymentsUrl,
    secret: readFileSync(config.paymentsSecretFile, "utf8").trim(),
    callbackUrl: config.paymentsCallbackUrl,
    logger,
  });
  const settle = createSettlePayment({ book, clock });
  const finishRefund = createFinishRefund({ book, clock });
  return { book, provider, settle, finishRefund };
}

async function prune(book: OrderBook, clock: Clock): Promise<void> {
  const beforeMs = clock() - orderLimits.idempotencyTtlMs;
  while (
    (await book.pruneAnswers(beforeMs, orderLimits.idempotencyPruneMax)) === orderLimits.idempotencyPruneMax
  );
}
