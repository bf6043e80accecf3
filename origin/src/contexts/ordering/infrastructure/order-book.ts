import type { Database, Transaction } from "../../../platform/mysql/database.ts";
import { appendToOutbox } from "../../../platform/outbox/append.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import { answersIn, answersOf } from "./answers.ts";
import { type ExpiryLane, expiryMessage } from "./expiry-lanes.ts";
import { buyersOf, historyIn } from "./history.ts";
import { ordersIn, ordersOf } from "./orders.ts";
import { paymentsIn, paymentsOf } from "./payments.ts";
import { stockIn, stockOf } from "./stock.ts";

/** The book in MySQL. `lane` is where expiry messages of new orders wait. */
export function orderBookIn(database: Database, lane: ExpiryLane): OrderBook {
  return {
    transaction: (work) => database.transaction((tx) => work(orderTransaction(tx, lane))),
    ...ordersOf(database),
    ...buyersOf(database),
    ...answersOf(database),
    ...stockOf(database),
    ...paymentsOf(database),
  };
}

function orderTransaction(tx: Transaction, lane: ExpiryLane): OrderTransaction {
  return {
    ...ordersIn(tx),
    ...historyIn(tx),
    ...answersIn(tx),
    ...stockIn(tx),
    ...paymentsIn(tx),
    scheduleExpiry: (reminders) =>
      appendToOutbox(
        tx,
        reminders.map(({ order, messageId }) => expiryMessage(lane, order.id, messageId)),
      ),
  };
}
