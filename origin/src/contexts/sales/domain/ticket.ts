/** What becomes of somebody who was admitted. Decided once, in MySQL. */
export type TicketOutcome = "CONFIRMED" | "SOLD_OUT" | "LIMIT" | "REJECTED";

export type TicketReason =
  | ""
  /** Nobody knows of it any more, and it is too old to be on its way. */
  | "lost"
  /** It has waited in the queue for as long as one may: no worker lives, or its sale is over. */
  | "late"
  /** The sale ended before it was its turn. */
  | "ended"
  /** The buyer has as many unpaid orders as one may have. */
  | "too_many_unpaid"
  /** Our code failed on it, again and again. */
  | "failed";

/** Somebody in the queue. */
export interface Admitted {
  readonly ticket: string;
  readonly userId: number;
  readonly quantity: number;
  /** When the edge received the request. */
  readonly arrivedAtMs: number | undefined;
  /** The id that the stream gave it: milliseconds and a number. */
  readonly queueMs: number;
  readonly queueNumber: number;
}

export interface Decided extends Admitted {
  readonly outcome: TicketOutcome;
  readonly reason: TicketReason;
  readonly orderId: string | undefined;
  /** Until then the order has to be paid. */
  readonly paysUntilMs: number | undefined;
  readonly decidedAtMs: number;
}
