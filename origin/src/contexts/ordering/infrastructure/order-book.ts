import type { Database, Transaction } from "../../../platform/mysql/database.ts";
import { appendToOutbox } from "../../../platform/outbox/append.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import { answersIn, answersOf } from "./answers.ts";
import { type ExpiryLanes, expiryMessage, laneOf } from "./expiry-lanes.ts";
import { buyersOf, historyIn } from "./history.ts";
import { ordersIn, ordersOf } from "./orders.ts";
import { paymentsIn, paymentsOf } from "./payments.ts";
import { receiptsIn, receiptsOf } from "./receipts.ts";
import { refundsIn, refundsOf } from "./refunds.ts";
import { stockIn, stockOf } from "./stock.ts";

/** The book in MySQL. `lanes` are where expiry messages of new orders wait; without any, there are none. */
export function orderBookIn(database: Database, lanes: ExpiryLanes): OrderBook {
  return {
    transaction: (work) => database.transaction((tx) => work(orderTransaction(tx, lanes))),
    ...ordersOf(database),
    ...buyersOf(database),
    ...answersOf(database),
    ...receiptsOf(database),
    ...stockOf(database),
    ...paymentsOf(database),
    ...refundsOf(database),
  };
}

function orderTransaction(tx: Transaction, lanes: ExpiryLanes): OrderTransaction {
  return {
    ...ordersIn(tx),
    ...historyIn(tx),
    ...answersIn(tx),
    ...receiptsIn(tx),
    ...stockIn(tx),
    ...paymentsIn(tx),
    ...refundsIn(tx),
    scheduleExpiry: (reminders) =>
      appendToOutbox(
        tx,
        reminders.flatMap(({ order, messageId }) => {
          const lane = laneOf(lanes, order.id);
          return lane === undefined ? [] : [expiryMessage(lane, order.id, messageId)];
        }),
      ),
  };
}
