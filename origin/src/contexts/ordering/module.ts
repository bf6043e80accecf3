import { orderEventsKey } from "@sluice/contract/keys.ts";
import type { ChannelModel } from "amqplib";
import type { ApiConfig, WorkerConfig } from "../../config.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { NewId } from "../../kernel/ids.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Database } from "../../platform/mysql/database.ts";
import {
  type ParkedMessages,
  parkedLimits,
  parkedMessagesIn,
} from "../../platform/rabbit/parked-messages.ts";
import { followStream } from "../../platform/redis/follow-stream.ts";
import { STREAM_FIELD_ID } from "../../platform/redis/project.ts";
import type { ProjectedTable } from "../../platform/redis/projected-table.ts";
import { type Repeated, repeat } from "../../platform/repeat.ts";
import { adjustStock, openStock } from "./application/adjust-stock.ts";
import { createAllotmentUse } from "./application/allotments.ts";
import { createCancelOrder } from "./application/cancel-order.ts";
import { createExpireOrders, type ExpireOrders } from "./application/expire-orders.ts";
import { eventLimits, expiryLimits, orderLimits, paymentLimits } from "./application/limits.ts";
import { findOrder, listOrders } from "./application/list-orders.ts";
import { orderView } from "./application/order-view.ts";
import { createPayOrder } from "./application/pay-order.ts";
import { createPlaceOrder } from "./application/place-order.ts";
import type { OrderBook, ProductDirectory } from "./application/ports.ts";
import { readLedger } from "./application/read-ledger.ts";
import { createReceiveCallback } from "./application/receive-callback.ts";
import { createReconcilePayments } from "./application/reconcile-payments.ts";
import { createRefundOrder, type RefundOrder } from "./application/refund-order.ts";
import { refundView } from "./application/refund-view.ts";
import { createSettlePayment } from "./application/settle-payment.ts";
import { createRetryRefund, createSettleRefund } from "./application/settle-refund.ts";
import { stockDocument } from "./application/stock-document.ts";
import type { FailedExpiry } from "./application/sweep-orders.ts";
import { createTellEvents } from "./application/tell-events.ts";
import { createTurns } from "./application/turns.ts";
import { transactionOf } from "./infrastructure/allotments.ts";
import { buyersTable } from "./infrastructure/buyer-projection.ts";
import { eventLogIn } from "./infrastructure/events.ts";
import { expiryConsumer } from "./infrastructure/expiry-consumer.ts";
import { laneKeeper } from "./infrastructure/expiry-lane-keeper.ts";
import { expiryLanes } from "./infrastructure/expiry-lanes.ts";
import { orderBookIn, orderTransaction } from "./infrastructure/order-book.ts";
import { collectParked } from "./infrastructure/parking.ts";
import { declarePaymentAlerts } from "./infrastructure/payment-alerts.ts";
import { configuredProviders, type ProviderSettings } from "./infrastructure/providers/configured.ts";
import { stockTable } from "./infrastructure/stock-projection.ts";
import { addCallbackRoute } from "./interface/callback-route.ts";
import { addEventRoute, type SessionEnded } from "./interface/event-route.ts";
import { addOrderRoutes } from "./interface/order-routes.ts";
import { addPaymentRoutes } from "./interface/payment-routes.ts";
import { addRefundRoutes } from "./interface/refund-routes.ts";
import { addStockRoutes } from "./interface/stock-routes.ts";
import type { Allotments, SharedTransaction, StockOf } from "./public.ts";

export { orderingAudits } from "./infrastructure/audits.ts";
export { type OrderTrace, traceOrder } from "./infrastructure/trace.ts";

/** For the relay. */
export const orderingTables: readonly ProjectedTable[] = [stockTable, buyersTable];

export interface OrderingDependencies {
  readonly config: AllotmentSettings & Pick<WorkerConfig, "orderTtlSeconds"> & ProviderSettings;
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: Logger;
}

type AllotmentSettings = Pick<WorkerConfig, "saleOrderTtlSeconds" | "orderExpiryShards" | "orderUnpaidMax">;

export interface Ordering {
  addRoutes(app: HttpServer): void;
  addOperatorRoutes(app: HttpServer): void;
  close(): Promise<void>;
}

export interface OrderingApiDependencies extends OrderingDependencies {
  readonly config: OrderingDependencies["config"] & Pick<ApiConfig, "redisUrl" | "redisPrefix">;
  readonly products: ProductDirectory;
  readonly sessionEnded: SessionEnded;
}

/** What the api does of ordering. */
export function createOrdering(given: OrderingApiDependencies): Ordering {
  const { config, clock, newId, products } = given;
  const { book, providers, settle, settleRefund } = paymentsOn(given);
  const orderTtlMs = config.orderTtlSeconds * 1_000;
  const unpaidMax = config.orderUnpaidMax;
  const pay = createPayOrder({ book, providers, settle, clock, newId });
  const cancel = createCancelOrder({ book, clock });
  const refundOrder = createRefundOrder({ book, providers, settleRefund, clock, newId });
  const refund = async (command: RefundOrder) => {
    const refunded = await refundOrder(command);
    return { ...orderView(refunded.order), refund: refundView(refunded.refund) };
  };
  const retryRefund = createRetryRefund({ book, clock });
  const { stepsAtOnceMax: atOnce, stepsWaitingMax: waitingMax, stepsWaitMs: waitMs } = orderLimits;
  const inTurn = createTurns({ atOnce, waitingMax, waitMs });
  const telling = tellBuyers(given);
  return {
    addRoutes: (app) => {
      addOrderRoutes(app, {
        place: createPlaceOrder({ book, products, clock, newId, orderTtlMs, unpaidMax }),
        list: (userId, cursor, limit) => listOrders(book, userId, cursor, limit),
        find: (userId, orderId) => findOrder(book, userId, orderId),
      });
      addPaymentRoutes(app, {
        pay: async (userId, orderId, method) => {
          const { outcome, order } = await inTurn(userId, () => pay({ userId, orderId, method }));
          return { order: orderView(order), decided: outcome === "paid" };
        },
        cancel: async (userId, orderId) => orderView(await inTurn(userId, () => cancel({ userId, orderId }))),
        refund: (asked) => inTurn(asked.userId, () => refund({ ...asked, actor: `user:${asked.userId}` })),
      });
      addEventRoute(app, telling.tell, given.sessionEnded);
      addCallbackRoute(app, createReceiveCallback({ book, providers, settle, settleRefund, clock }));
    },
    addOperatorRoutes: (app) => {
      addStockRoutes(app, {
        adjust: (productId, delta, by) => adjustStock(book, productId, delta, { ...by, nowMs: clock() }),
        ledger: (productId, before, limit) => readLedger(book, productId, before, limit),
      });
      addRefundRoutes(app, {
        refund: (asked) => refund({ ...asked, userId: undefined }),
        list: async (status, after, limit) => (await book.listRefunds(status, after, limit)).map(refundView),
        retry: async (refundId) => refundView(await retryRefund(refundId)),
      });
    },
    close: telling.close,
  };
}

/** The relay's hints, and a look of its own now and then for those that were lost. */
function tellBuyers({ config, database, logger }: OrderingApiDependencies) {
  const tell = createTellEvents(eventLogIn(database));
  const follower = followStream({
    url: config.redisUrl,
    key: orderEventsKey(config.redisPrefix),
    field: STREAM_FIELD_ID,
    onValues: (userIds) => tell.hint(userIds.map(Number)),
    logger,
  });
  const catchingUp = repeat(
    "look for events that nobody hinted at",
    () => eventLimits.catchUpIntervalMs,
    tell.catchUp,
    logger,
  );
  return {
    tell,
    close: async () => {
      tell.close();
      await Promise.all([follower.close(), catchingUp.close()]);
    },
  };
}

/** Stock for the catalog, which needs nothing else of ordering. */
export function createStockOf({
  database,
  clock,
}: Pick<OrderingDependencies, "database" | "clock">): StockOf {
  // No orders are placed through this one, so it needs no lanes.
  const book = orderBookIn(database, []);
  return {
    document: async (productId) => {
      const stock = await book.findStock(productId);
      return stock === undefined ? undefined : stockDocument(stock);
    },
    open: async (productId, quantity, by) =>
      stockDocument(await openStock(book, productId, quantity, { ...by, nowMs: clock() })),
  };
}

/** Pieces that are set aside, for flash sales. */
export function createAllotments({
  config,
  newId,
}: Pick<OrderingDependencies, "newId"> & { readonly config: AllotmentSettings }): Allotments {
  const lanes = allottedLanesOf({ config });
  const { set, close, place } = createAllotmentUse({
    newId,
    ttlMs: config.saleOrderTtlSeconds * 1_000,
    unpaidMax: config.orderUnpaidMax,
  });
  const on = (shared: SharedTransaction) => orderTransaction(transactionOf(shared), [], lanes);
  return {
    set: (shared, wanted, change) => set(on(shared), wanted, change),
    close: (shared, id, change) => close(on(shared), id, change),
    place: (shared, id, wanted, change) => place(on(shared), id, wanted, change),
  };
}

export interface OrderingWorker {
  /** For the worker's connection to RabbitMQ, after each connect. */
  onRabbitConnect(model: ChannelModel): Promise<void>;
  close(): Promise<void>;
}

/** What the worker does of ordering: consumes what falls due, sweeps, reconciles, prunes. */
export function startOrderingWorker(given: OrderingDependencies): OrderingWorker {
  const { clock, logger } = given;
  const { book, providers, settle, settleRefund } = paymentsOn(given);
  const expire = createExpireOrders({ book, clock });
  const reconcile = createReconcilePayments({ book, providers, settle, settleRefund, clock });
  const parked = parkedMessagesIn(given.database);
  const messages = startExpiryMessages(given, expire, parked);
  const every = (ms: number, what: string, work: () => Promise<unknown>) =>
    repeat(
      what,
      () => ms,
      async () => void (await work()),
      logger,
    );
  const repeated = [
    every(expiryLimits.sweepIntervalMs, "sweep expired orders", async () => {
      reportStuck((await expire.sweep()).failed, logger);
    }),
    every(paymentLimits.reconcileIntervalMs, "reconcile payments", () => reconcile()),
    every(orderLimits.idempotencyPruneIntervalMs, "prune what is kept for a while", () =>
      prune(book, parked, clock),
    ),
  ];
  return {
    onRabbitConnect: messages.onConnect,
    close: async () => {
      await messages.close();
      await Promise.all(repeated.map((one) => one.close()));
    },
  };
}

/** The audit names all of them; each is told of whenever it was tried again, which is ever more rarely. */
function reportStuck(failed: readonly FailedExpiry[], logger: Logger): void {
  if (failed.length === 0) return;
  const named = failed.slice(0, expiryLimits.stuckNamedMax);
  const orders = named.map(({ orderId, error }) => `${orderId} (${error})`);
  logger.error({ orders, count: failed.length }, "orders cannot expire");
}

/** Everything about expiry that needs the broker; without one, all of it waits. */
function startExpiryMessages(given: OrderingDependencies, expire: ExpireOrders, parked: ParkedMessages) {
  const { database, clock, logger } = given;
  const lanes = allLanesOf(given);
  const consumer = expiryConsumer({ expire, lanes, parked, clock, logger });
  const keeper = laneKeeper({ database, lanes, clock, logger });
  let connected: ChannelModel | undefined;
  const onBroker = (ms: number, what: string, work: (model: ChannelModel) => Promise<void>): Repeated =>
    repeat(
      what,
      () => ms,
      async () => (connected === undefined ? undefined : work(connected)),
      logger,
    );
  const keeping = onBroker(expiryLimits.laneCheckIntervalMs, "keep the lanes", async (model) => {
    await keeper.takeUp(model);
    await keeper.deleteDrained(model);
  });
  const parking = onBroker(expiryLimits.parkIntervalMs, "collect parked messages", (model) =>
    collectParked(model, parked, clock),
  );
  return {
    onConnect: async (model: ChannelModel) => {
      model.once("close", () => {
        if (connected === model) connected = undefined;
      });
      await declarePaymentAlerts(model);
      await consumer.onConnect(model);
      connected = model;
      keeping.now();
    },
    close: async () => {
      await consumer.close();
      await Promise.all([keeping.close(), parking.close()]);
    },
  };
}

function lanesOf({ config }: Pick<OrderingDependencies, "config">) {
  return expiryLanes(config.orderTtlSeconds, config.orderExpiryShards);
}

function allottedLanesOf({ config }: { config: AllotmentSettings }) {
  return expiryLanes(config.saleOrderTtlSeconds, config.orderExpiryShards);
}

/** Each queue once: both kinds of orders may have the same time. */
function allLanesOf(given: OrderingDependencies) {
  const lanes = [...lanesOf(given), ...allottedLanesOf(given)];
  return [...new Map(lanes.map((lane) => [lane.queue, lane])).values()];
}

function paymentsOn(given: OrderingDependencies) {
  const { config, database, clock, newId, logger } = given;
  const book = orderBookIn(database, lanesOf(given));
  const providers = configuredProviders(config, logger);
  const settle = createSettlePayment({ book, clock, newId });
  const settleRefund = createSettleRefund({ book, clock });
  return { book, providers, settle, settleRefund };
}

async function prune(book: OrderBook, parked: ParkedMessages, clock: Clock): Promise<void> {
  const { idempotencyTtlMs, idempotencyPruneMax } = orderLimits;
  const { receiptsKeptMs, receiptsPruneMax } = expiryLimits;
  const { settledKeptMs, settledPruneMax } = parkedLimits;
  while ((await book.pruneAnswers(clock() - idempotencyTtlMs, idempotencyPruneMax)) === idempotencyPruneMax);
  while ((await book.pruneReceipts(clock() - receiptsKeptMs, receiptsPruneMax)) === receiptsPruneMax);
  while ((await parked.prune(clock() - settledKeptMs, settledPruneMax)) === settledPruneMax);
}
