import type { Allotment } from "../domain/allotment.ts";
import type { Order, Price, RequestedLine } from "../domain/order.ts";
import type { OrderStatus } from "../domain/order-state.ts";
import type { Money, Payment } from "../domain/payment.ts";
import type { PaymentStatus } from "../domain/payment-state.ts";
import type { Refund, RefundStatus } from "../domain/refund.ts";
import type { Stock, StockMovementKind } from "../domain/stock.ts";

/** Products as ordering needs them; the catalog answers. */
export interface ProductDirectory {
  /** Prices of those that are on sale; what is missing is not. */
  findPrices(productIds: readonly number[]): Promise<ReadonlyMap<number, Price>>;
}

/** Orders, stock and payments: one consistency boundary, so one book. */
export interface OrderBook {
  /**
   * All or nothing. `work` runs again after a deadlock, so it touches nothing but the transaction; a refusal
   * that it throws undoes everything.
   */
  transaction<T>(work: (tx: OrderTransaction) => Promise<T>): Promise<T>;
  /** Likewise, and `held` when another transaction has a row that is needed for longer than orders wait for one. */
  placing<T>(work: (tx: OrderTransaction) => Promise<T>): Promise<T | "held">;
  /** Which of these rows another transaction holds in this moment. */
  findHeld(rows: HeldRows): Promise<HeldRows>;
  find(userId: number, orderId: string): Promise<Order | undefined>;
  /** Newest first, from just before `beforeId` on. */
  list(userId: number, beforeId: string | undefined, limit: number): Promise<Order[]>;
  /** Unpaid orders whose time has come, without a lock; of each state the oldest first, from behind `after` on. */
  findDue(nowMs: number, max: number, after: DueOrder | undefined): Promise<DueOrder[]>;
  /** Of those that have an answer which is no older; no lock. */
  findAnswers(claims: readonly Claim[], notBeforeMs: number): Promise<KeptAnswers>;
  /** Removes answers kept before that time, at most `max`; how many they were. */
  pruneAnswers(beforeMs: number, max: number): Promise<number>;
  /** Removes receipts of messages that were handled before that time, at most `max`; how many they were. */
  pruneReceipts(beforeMs: number, max: number): Promise<number>;
  /** Counts of available pieces as last committed: a hint that saves work, no promise. */
  peekAvailable(productIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** How many unpaid orders users have, as last committed: a hint as well. */
  peekUnpaid(userIds: readonly number[]): Promise<ReadonlyMap<number, number>>;
  findStock(productId: number): Promise<Stock | undefined>;
  /** Movements of one product, newest first, from just before `before` on. */
  listMovements(productId: number, before: number | undefined, limit: number): Promise<LedgerEntry[]>;
  findPayment(paymentId: string): Promise<Payment | undefined>;
  /** Has the provider asked about a payment from then on, if nobody is to ask it yet. */
  askAbout(paymentId: string, atMs: number): Promise<void>;
  /** Payments whose next check is due; each is put off by `backoff` at once, so that no other worker asks. */
  claimUndecided(nowMs: number, backoff: (checks: number) => number, max: number): Promise<Payment[]>;
  /** The same of refunds. */
  claimUndecidedRefunds(nowMs: number, backoff: (checks: number) => number, max: number): Promise<Refund[]>;
  findRefund(refundId: string): Promise<Refund | undefined>;
  /** Of one order, oldest first. */
  refundsOf(orderId: string): Promise<Refund[]>;
  listRefunds(status: RefundStatus, afterId: string | undefined, limit: number): Promise<Refund[]>;
}

export interface OrderTransaction {
  /** Locks the keys that are there; `in-flight` when another transaction is writing one of them now. */
  lockAnswers(claims: readonly Claim[]): Promise<KeptAnswers | "in-flight">;
  /** False, and none is kept, when one of the keys was written meanwhile. */
  keepAnswers(claims: readonly (Claim & { readonly answer: KeptAnswer })[]): Promise<boolean>;
  dropAnswers(claims: readonly Claim[]): Promise<void>;

  /** The orders and their lines. */
  insertOrders(orders: readonly Order[]): Promise<void>;
  /** For each order a message that arrives when its time has come. */
  scheduleExpiry(reminders: readonly { readonly order: Order; readonly messageId: string }[]): Promise<void>;

  /** Says of expiry messages that they were handled; once more of one that is handled again. */
  keepReceipts(receipts: readonly Receipt[], nowMs: number): Promise<void>;

  lockOrder(orderId: string): Promise<Order | undefined>;
  /** Locks those of the orders that are unpaid and whose time has come. Passes by what another transaction holds. */
  lockDue(nowMs: number, max: number, orderIds: readonly string[]): Promise<Order[]>;
  /** Compare-and-set; how many were in state `from` and are in `to` now. */
  setStatus(orderIds: readonly string[], from: OrderStatus, to: OrderStatus, nowMs: number): Promise<number>;
  /**
   * Writes steps down, and locks the row of each user whose orders they are of, in the order of user ids. Returns how
   * many unpaid orders each of them has then: exact, for nobody else can change it before this transaction ends.
   */
  appendHistory(entries: readonly HistoryEntry[]): Promise<ReadonlyMap<number, number>>;

  /** Locks the rows of users, named in ascending order; how many unpaid orders they have. */
  lockUnpaid(userIds: readonly number[]): Promise<ReadonlyMap<number, number>>;

  /**
   * Moves so many pieces of each product, which are named in ascending order. False when the stock of one is
   * not there or has not as many to move: then nobody knows which have moved, and the transaction must not
   * be committed.
   */
  moveStock(kind: StockMovementKind, pieces: readonly RequestedLine[]): Promise<boolean>;
  appendMovements(entries: readonly MovementEntry[]): Promise<void>;
  /** False when the product has stock already. */
  openStock(productId: number): Promise<boolean>;
  lockStock(productId: number): Promise<Stock | undefined>;
  /** Locks the stock of products, named in ascending order; counts of available pieces. */
  lockAvailable(productIds: readonly number[]): Promise<ReadonlyMap<number, number>>;

  /** False when there is an allotment of that id. */
  insertAllotment(allotment: Allotment): Promise<boolean>;
  /** Named in ascending order, before any stock. */
  lockAllotments(ids: readonly number[]): Promise<Allotment[]>;
  /** Of one that this transaction has locked. */
  saveAllotment(allotment: Allotment): Promise<void>;

  lockPayment(paymentId: string): Promise<Payment | undefined>;
  lockPaymentOf(orderId: string, status: PaymentStatus): Promise<Payment | undefined>;
  insertPayment(payment: Payment): Promise<void>;
  /** Compare-and-set on the state. */
  setPayment(payment: Payment, from: PaymentStatus): Promise<boolean>;
  /** Goes out if, and only if, the transaction commits. */
  raiseAlert(alert: PaymentAlert): Promise<void>;
  /** False when the attempt is no longer STARTED, or has another reference. */
  keepReference(paymentId: string, reference: string): Promise<boolean>;

  /** Oldest first. */
  lockRefundsOf(orderId: string): Promise<Refund[]>;
  insertRefund(refund: Refund): Promise<void>;
  /** Compare-and-set on the state. */
  setRefund(refund: Refund, from: RefundStatus): Promise<boolean>;
}

/** Rows for which placing an order may have to wait. */
export interface HeldRows {
  readonly productIds: readonly number[];
  readonly userIds: readonly number[];
}

export interface DueOrder {
  readonly id: string;
  readonly status: OrderStatus;
  readonly expiresAtMs: number;
}

/** An `Idempotency-Key` as one user's. */
export interface Claim {
  readonly userId: number;
  readonly key: string;
}

/** By `claimName`. */
export type KeptAnswers = ReadonlyMap<string, KeptAnswer>;

export function claimName({ userId, key }: Claim): string {
  return `${userId} ${key}`;
}

/** The answer that the first request with a key has got, to be given again. */
export interface KeptAnswer {
  readonly fingerprint: string;
  readonly orderId: string;
  readonly status: number;
  readonly body: string;
  readonly createdAtMs: number;
}

/** An order that a message says is due. */
export interface Reminder {
  readonly orderId: string;
  /** Undefined when it carries none of ours; then no receipt is kept. */
  readonly messageId: string | undefined;
}

export interface Receipt extends Reminder {
  /** `passed-by`: not due (yet, or any more), or held by somebody else. */
  readonly outcome: "expired" | "passed-by";
}

export interface HistoryEntry {
  readonly orderId: string;
  readonly userId: number;
  readonly from: OrderStatus | undefined;
  readonly to: OrderStatus;
  readonly change: Change;
}

export interface MovementEntry extends RequestedLine {
  readonly kind: StockMovementKind;
  readonly orderId: string | undefined;
  readonly change: Change;
}

export interface LedgerEntry {
  readonly id: number;
  readonly kind: StockMovementKind;
  readonly quantity: number;
  readonly orderId: string | null;
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
}

/** Who changes something, why, and when. */
export interface Change {
  /** `user:7`, `expiry:message`, `expiry:sweeper`, `provider:sandbox`, `operator`, `seed`. */
  readonly actor: string;
  readonly reason: string;
  readonly nowMs: number;
}

/** A provider took other money than it was asked for, and all of it is going back. */
export interface PaymentAlert {
  readonly kind: "amount_mismatch";
  readonly messageId: string;
  readonly atMs: number;
  readonly orderId: string;
  readonly paymentId: string;
  readonly provider: string;
  readonly asked: Money;
  readonly taken: Money;
}

/**
 * A payment provider. All calls are idempotent by payment id or by refund and attempt, are bounded in time, and never
 * throw for what the provider or the network does: not knowing is an outcome.
 */
export interface PaymentProvider {
  readonly name: string;
  /** Used when a customer names none; undefined when one has to be named. */
  readonly defaultMethod: string | undefined;
  takes(method: string): boolean;
  /**
   * Takes the money. A provider that gives the charge an id of its own hands it to `keep` before any money moves: once
   * it is kept, the charge can be found by it; when `keep` says false the attempt is over, and no money is taken.
   */
  charge(payment: Payment, keep: KeepReference): Promise<ChargeOutcome>;
  /** What became of a charge; `absent` when the provider has not heard of it yet, which proves nothing. */
  find(payment: Payment): Promise<ChargeOutcome | { readonly outcome: "absent" }>;
  /** Sees to it that the charge takes no money from now on: `declined` then. Or it says what has become of it. */
  cancel(payment: Payment): Promise<ChargeOutcome>;
  /** Pays back, or says what became of it when it was asked for before. */
  refund(refund: Refund, payment: Payment): Promise<RefundOutcome>;
  /** What a callback says, or why it is not believed. `header` gives the one value of a field of the request. */
  readCallback(body: Buffer, header: (name: string) => string | undefined, nowMs: number): CallbackReading;
}

/** All that are configured: each payment is for ever the matter of the one that made it. */
export interface PaymentProviders {
  /** Makes new payments. */
  readonly current: PaymentProvider;
  named(name: string): PaymentProvider | undefined;
}

export type KeepReference = (reference: string) => Promise<boolean>;

export type ChargeOutcome = ChargeDecision | { readonly outcome: "unknown" };

export interface ChargeDecision {
  readonly outcome: "succeeded" | "declined";
  readonly amountCents: number;
  readonly currency: string;
  readonly reference: string;
  /** Of one that was declined: its owner would have had to confirm it to the bank (3-D Secure). */
  readonly wantsConfirmation?: true;
}

export type RefundOutcome =
  | { readonly outcome: "unknown" }
  | (Money & { readonly outcome: "refunded" | "pending"; readonly reference: string })
  | (Money & { readonly outcome: "failed"; readonly reference: string | undefined; readonly reason: string });

export type CallbackReading =
  | { readonly outcome: "charge"; readonly paymentId: string; readonly answer: ChargeOutcome }
  | { readonly outcome: "refund"; readonly attemptKey: string; readonly answer: RefundOutcome }
  /** Signed, and of nothing that concerns us. */
  | { readonly outcome: "ignored" }
  | { readonly outcome: "forged"; readonly detail: string }
  | { readonly outcome: "malformed" };
