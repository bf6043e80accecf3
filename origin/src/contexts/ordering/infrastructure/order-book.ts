import type { Database, Transaction } from "../../../platform/mysql/database.ts";
import { appendToOutbox } from "../../../platform/outbox/append.ts";
import type { OrderBook, OrderTransaction } from "../application/ports.ts";
import { allotmentsIn } from "./allotments.ts";
import { answersIn, answersOf } from "./answers.ts";
import { type ExpiryLanes, expiryMessage, laneOf } from "./expiry-lanes.ts";
import { findHeld, placing } from "./held-rows.ts";
import { buyersOf, historyIn } from "./history.ts";
import { ordersIn, ordersOf } from "./orders.ts";
import { paymentsIn, paymentsOf } from "./payments.ts";
import { receiptsIn, receiptsOf } from "./receipts.ts";
import { refundsIn, refundsOf } from "./refunds.ts";
import { stockIn, stockOf } from "./stock.ts";

/**
 * The book in MySQL. `lanes` are where expiry messages of new orders wait, `allottedLanes` those of orders from an
 * allotment; without any, there are none.
 */
export function orderBookIn(
  database: Database,
  lanes: ExpiryLanes,
  allottedLanes: ExpiryLanes = [],
): OrderBook {
  return {
    transaction: (work) => database.transaction((tx) => work(orderTransaction(tx, lanes, allottedLanes))),
    placing: (work) => placing(database, (tx) => work(orderTransaction(tx, lanes, allottedLanes))),
    findHeld: (rows) => findHeld(database, rows),
    ...ordersOf(database),
    ...buyersOf(database),
    ...answersOf(database),
    ...receiptsOf(database),
    ...stockOf(database),
    ...paymentsOf(database),
    ...refundsOf(database),
  };
}

/** What ordering does in a transaction that may be another context's. */
export function orderTransaction(
  tx: Transaction,
  lanes: ExpiryLanes,
  allottedLanes: ExpiryLanes,
): OrderTransaction {
  return {
    ...allotmentsIn(tx),
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
          const lane = laneOf(order.allotmentId === undefined ? lanes : allottedLanes, order.id);
          return lane === undefined ? [] : [expiryMessage(lane, order.id, messageId)];
        }),
      ),
  };
}
